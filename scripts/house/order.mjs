/**
 * The order of the modules: which files belong together, and what they may use. It is the one place that says so; the arrows
 * themselves are read from the includes and imports (arrows.mjs).
 */

/**
 * @typedef {object} Module
 * @property {string} name
 * @property {RegExp} holds paths; a file belongs to the first module that holds it
 * @property {string[] | null} uses names of modules further down that its files may use; null for all of them
 */

/** The modules that both engines use. */
const GROUND = ['src/protocol', 'src/common'];
const CLIENT_GROUND = ['src/client: ground', 'src/cache', 'src/media', ...GROUND];

/** @type {[name: string, holds: RegExp, uses: string[] | null][]} from the top of the house down to its ground */
// prettier-ignore
const ORDER = [
  // What measures, tests and shows the rest may use all of it. Nothing below may use these.
  ['bench', /^bench\//, null],
  ['tests', /^tests\//, null],
  ['scripts', /^scripts\/[^/]+$/, null],
  ['scripts: parts', /^scripts\/\w+\//, ['js: core']],
  ['deploy', /^deploy\//, []],
  ['demo', /^demo\//, ['js/tracker', 'js/tracker: services', 'js/sim']],

  ['wasm: simulator', /^wasm\/study_abi/, ['src/study']],
  ['src/study', /^src\/study\//, ['src/sim', ...CLIENT_GROUND]],
  ['src/sim', /^src\/sim\//, null],
  ['wasm', /^wasm\//, ['src/client', 'src/tracker', 'src/tracker: ground', ...CLIENT_GROUND]],

  ['src/client', /^src\/client\/engine[^/]*$/,
    ['src/client/peers', 'src/client/player', 'src/client/tracker', ...CLIENT_GROUND]],
  ['src/client/peers', /^src\/client\/peers\//,
    ['src/client/upload', 'src/client/download', 'src/client: shelf', 'src/client/link', 'src/client/tracker', ...CLIENT_GROUND]],
  ['src/client/player', /^src\/client\/player\//, ['src/client/download', 'src/client: shelf', ...CLIENT_GROUND]],
  ['src/client/upload', /^src\/client\/upload\//, ['src/client: shelf', 'src/client/link', ...CLIENT_GROUND]],
  ['src/client/download', /^src\/client\/download\/(?!shelf|receipts|known_playlist|trust|spot_checks|gift)/, ['src/client: shelf', 'src/client/link', ...CLIENT_GROUND]],
  ['src/client: shelf', /^src\/client\/download\/(shelf|receipts|known_playlist|trust|spot_checks|gift)[^/]*$/, CLIENT_GROUND],
  ['src/client/link', /^src\/client\/link\//, CLIENT_GROUND],
  ['src/client/tracker', /^src\/client\/tracker\//, CLIENT_GROUND],
  ['src/client: ground', /^src\/client\/[^/]+$/, ['src/cache', 'src/media', ...GROUND]],

  ['src/tracker', /^src\/tracker\/tracker[^/]*$/, ['src/tracker: matching', 'src/tracker: ground', ...GROUND]],
  ['src/tracker: matching',
    /^src\/tracker\/(audience|channel|elsewhere|filter_class|introductions(_search)?|networks|outbox|outcomes|pairs|peer|rooms?|socket|split_channels|upload)\.[ch]pp$/,
    ['src/tracker: ground', ...GROUND]],
  ['src/tracker: ground', /^src\/tracker\/[^/]+$/, GROUND],

  ['src/cache', /^src\/cache\//, ['src/media', 'src/common']],
  ['src/media', /^src\/media\//, ['src/common']],
  ['src/protocol', /^src\/protocol\//, ['src/common']],
  ['src/common', /^src\/common\//, []],

  ['js: companions', /^js\/(diagnose|overlay|shadow)\//, ['js: player', 'js: ground', 'js: core']],

  // The client's and the tracker's JavaScript share nothing but how a WebAssembly module is loaded, and what in a URL is a credential.
  ['js', /^js\/(index|attach|handle|mesh|voice)\.js$/,
    ['js: player', 'js: connections', 'js: engine', 'js: ground', 'js: core']],
  ['js: player', /^js\/(answers|fragments|hls-|player|first-frame|early-loads|playback|verdicts|cdn-fetch|digests)[\w-]*\.js$/, ['js: ground', 'js: core']],
  ['js: connections', /^js\/(rtc|socket)[\w-]*\.js$/, ['js: ground', 'js: core']],
  ['js: engine', /^js\/(driver|engine|module|stats)\.js$/, ['js: ground', 'js: core']],
  ['js: ground', /^js\/(abi|beside|emitter|errors|local-network|old-engines|options|version)[\w-]*\.js$/, []],

  ['js/digest', /^js\/digest\//, []],

  ['js/load', /^js\/load\//, []],

  ['js/sim', /^js\/sim\//, []],

  ['js/dashboard', /^js\/dashboard\//, []],

  ['js/tracker', /^js\/tracker\/(cli|index)\.js$/, ['js/tracker/cluster', 'js/tracker/dashboard', 'js/tracker: services', 'js/tracker: engine']],
  ['js/tracker/dashboard', /^js\/tracker\/dashboard\//, ['js/tracker: services']],
  ['js/tracker/cluster', /^js\/tracker\/cluster\//, ['js/tracker: engine']],
  ['js/tracker: engine', /^js\/tracker\/(local-engine|engine|abi)\.js$/, ['js: core']],
  ['js/tracker: services', /^js\/tracker\/[^/]+$/, ['js: core']],

  ['js: core', /^js\/(core|export-names|identity)\.js$/, []],
];

/** @type {Module[]} */
export const MODULES = ORDER.map(([name, holds, uses]) => ({ name, holds, uses }));

/**
 * Exceptions: arrows that go up, `from → to`. The list may only shrink: an arrow that is gone must be removed.
 * @type {string[]}
 */
export const STILL_UPWARD = [];
