/** The SDK's face; its types and contracts are in index.d.ts. */

import { HlsMeshError } from './errors.js';
import { attach, isSupported } from './mesh.js';

/** Kept equal to package.json by a test. */
const version = '0.1.0';

const HlsMesh = Object.freeze({ attach, isSupported, version, HlsMeshError });

export { HlsMesh, HlsMeshError, attach, isSupported, version };
export default HlsMesh;
