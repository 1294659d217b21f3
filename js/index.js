/** The SDK's face; its types and contracts are in index.d.ts. */

import { attach } from './attach.js';
import { HlsMeshError } from './errors.js';
import { Events } from './handle.js';
import { isSupported } from './mesh.js';
import { DefaultConfig } from './options.js';

/** A test compares it with package.json. */
const version = '0.1.0';

const HlsMesh = Object.freeze({
  attach,
  isSupported,
  version,
  Events,
  DefaultConfig,
  HlsMeshError,
});

export { DefaultConfig, Events, HlsMesh, HlsMeshError, attach, isSupported, version };
export default HlsMesh;
