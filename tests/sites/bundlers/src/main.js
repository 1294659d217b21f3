// A player as a site's own bundler builds it. observe.js, beside the page, starts it and records what it does.
import Hls from 'hls.js';
import { HlsMesh } from 'hlsmesh';

globalThis.watch(Hls, HlsMesh);
