/** The SDK's face; its types and contracts are in index.d.ts. */

import { attach } from './attach.js';
import { HlsMeshError } from './errors.js';
import { Events } from './handle.js';
import { DefaultConfig } from './options.js';
import { PeerConnections } from './rtc.js';
import { version } from './version.js';

/** @returns {boolean} */
function isSupported() {
  return (
    typeof WebAssembly === 'object' && typeof WebSocket === 'function' && PeerConnections.available
  );
}

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
