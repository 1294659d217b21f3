import { Audience } from './audience.js';
import { TrafficChart } from './chart.js';
import { formatBytes, formatShare, plural } from './format.js';
import { nextStep } from './next-step.js';
import { showPhone } from './phone.js';
import { Playback } from './playback.js';
import { mountPlayer } from './players.js';
import { bindSwitches, optionsOf, showSettings } from './settings.js';

/**
 * The demo page: plays `?src=` with the tracker of `?tracker=`, or without them the demo's own
 * stream (`?stream=vod|live`) with the demo's own tracker; `?player=` names a player, and `?plain=1` plays by hls.js alone.
 * `window.hls` and `window.mesh` are there to be looked at.
 */

/** @typedef {import('../js/index.js').HlsMeshOptions} MeshOptions */
/** @typedef {import('../js/index.js').MeshEvents} MeshEvents */
/** @typedef {import('../js/index.js').PeerSnapshot} PeerSnapshot */
/** @typedef {'good' | 'wait' | 'warn' | 'bad'} Tone */

const SAMPLE_MS = 1000;
const STRIP_SEGMENTS = 120;
/** @type {Record<string, string>} */
const SOURCE_WORDS = { peer: 'from a peer', cdn: 'from the CDN' };

const page = /** @type {any} */ (window);
const query = new URLSearchParams(location.search);
/** The player's own, once there is one. */
let video = /** @type {HTMLVideoElement} */ (element('video'));
/** @type {Audience | undefined} */
let audience;
const quality = /** @type {HTMLSelectElement} */ (element('quality'));
const chart = new TrafficChart(/** @type {HTMLCanvasElement} */ (element('chart')));

/** The latest state of the tracker and of the SDK. */
const sharing = {
  tone: /** @type {Tone} */ ('wait'),
  text: 'Looking for the tracker.',
  over: false,
};
let streamFailed = false;
/** Segments in a row that came from the CDN although there was a parent. */
let missed = 0;
/** Bytes that had been uploaded when the last segment came, and whether some were since the one before. */
let uploaded = 0;
let gives = false;
/** Whether it has been connected with another viewer. */
let met = false;

/** The figures of a viewer without a mesh, who has everything from the CDN. */
const unshared = { cdnBytes: 0, p2pBytes: 0, uploadBytes: 0, peers: 0 };
const figures = () => page.mesh?.stats ?? unshared;

start().catch((error) => showFailure(`The player could not start: ${messageOf(error)}`));

async function start() {
  const live = query.get('stream') === 'live';
  const plain = query.has('plain');
  const stream = query.get('src') ?? (live ? 'live' : 'vod');
  const src = query.get('src') ?? `${plain ? '/plain' : ''}/${stream}/master.m3u8`;
  const source = new URL(src, location.href).href;
  showWhatPlays(live);
  showSettings(query);
  element('open').addEventListener('click', () => openViewer(false));
  element('open-plain').addEventListener('click', () => openViewer(true));

  if (!page.Hls) return showFailure('hls.js did not load. Is the demo server still running?');
  if (!page.Hls.isSupported()) {
    return showFailure('This browser has no Media Source Extensions, which hls.js needs to play.');
  }
  // Little ahead, so that segments keep coming for as long as the video plays instead of in one gulp;
  // a minute behind, so that a demo left running does not grow.
  const config = { source, maxBufferLength: 16, maxBufferSize: 0, backBufferLength: 60 };
  const options = await meshOptions();
  const mounted = await mountPlayer(query.get('player') ?? '', element('screen'), page.Hls, config);
  const { hls } = mounted;
  video = mounted.video;
  page.hls = hls;
  if (plain) endSharing('This viewer plays by hls.js alone, for comparison.');
  else attachMesh(hls, options);
  watchPlayer(hls, source);
  reportTo(stream, hls, new Playback(hls, video));
  mounted.load(source);
  sampleTraffic();
}

/**
 * @param {string} stream
 * @param {any} hls
 * @param {Playback} playback
 */
function reportTo(stream, hls, playback) {
  hls.on(page.Hls.Events.FRAG_LOADED, (/** @type {string} */ _, /** @type {any} */ { frag }) => {
    if (page.mesh) return;
    const bytes = frag.stats.loaded;
    unshared.cdnBytes += bytes;
    addSegment({ url: frag.url, source: 'cdn', bytes });
  });
  audience = new Audience(() => {
    const { cdnBytes, p2pBytes } = figures();
    /** @type {PeerSnapshot[]} */
    const peers = page.mesh?.peers ?? [];
    const { firstFrameMs, stalls, stalledMs, latency } = playback;
    return {
      ...{ stream, firstFrameMs, stalls, stalledMs, latency, cdn: cdnBytes, p2p: p2pBytes },
      plain: !page.mesh,
      peers: peers
        .filter(({ open }) => open)
        .map(({ id, receivedBytes }) => ({ id, received: receivedBytes })),
    };
  });
}

/** @returns {Promise<MeshOptions | undefined>} undefined when there is no tracker to ask */
async function meshOptions() {
  const tracker = query.get('tracker');
  if (tracker) return { tracker, ...optionsOf(query) };
  // Somebody else's stream is shared with whom its address says, or with nobody.
  if (query.has('src')) return undefined;
  try {
    const response = await fetch('/config.json');
    if (!response.ok) return undefined;
    const { tracker: own, addresses } = await response.json();
    void showPhone(addresses ?? []);
    // All in one network: no STUN server is needed to meet, and none is told.
    return { tracker: own, iceServers: [], ...optionsOf(query) };
  } catch {
    return undefined;
  }
}

/**
 * @param {any} hls
 * @param {MeshOptions | undefined} options
 */
function attachMesh(hls, options) {
  if (!page.HlsMesh) {
    endSharing('hlsmesh did not load, so everything comes from the CDN. Run npm run build once.');
    return;
  }
  if (!options) {
    endSharing('No tracker was given, so everything comes from the CDN.');
    return;
  }
  try {
    page.mesh = page.HlsMesh.attach(hls, options);
  } catch (error) {
    endSharing(`hlsmesh could not start: ${messageOf(error)}. Everything comes from the CDN.`);
    return;
  }
  bindSwitches(page.mesh);
  bindOverlay();
  page.mesh.on('tracker', onTracker);
  page.mesh.on('peer', showPeers);
  page.mesh.on('segment', addSegment);
  page.mesh.on('warning', onWarning);
  page.mesh.on('fatal', (/** @type {MeshEvents['fatal']} */ { error }) => {
    endSharing(`Sharing has stopped: ${error.message}. Playing from the CDN.`);
  });
}

function bindOverlay() {
  const button = /** @type {HTMLButtonElement} */ (element('overlay-show'));
  button.disabled = false;
  button.addEventListener('click', async () => {
    const file = '/dist/hlsmesh-overlay.mjs';
    (await import(file)).overlay(page.mesh);
  });
}

/** @param {MeshEvents['tracker']} event */
function onTracker(event) {
  if (sharing.over) return;
  if (event.state === 'connected') {
    const text = `Tracker connected. You are ${shortId(event.peerId)}.`;
    audience?.named(event.peerId);
    Object.assign(sharing, { tone: 'good', text });
  } else if (event.state === 'rejected') {
    const reason = event.reason ? ` (${event.reason})` : '';
    const text = `The tracker does not admit this viewer${reason}. Playing from the CDN.`;
    Object.assign(sharing, { tone: 'warn', text });
  } else {
    Object.assign(sharing, { tone: 'warn', text: '' });
  }
  showState();
}

/** @param {MeshEvents['warning']} event */
function onWarning({ code }) {
  const text = /** @type {Record<string, string>} */ ({
    'wasm-fetch': 'hlsmesh.wasm cannot be loaded. Everything comes from the CDN.',
    'wasm-invalid': 'hlsmesh.wasm does not fit hlsmesh.js. Everything comes from the CDN.',
    'rtc-unavailable': 'This browser makes no peer connections. Everything comes from the CDN.',
  })[code];
  if (text) endSharing(text);
}

/** @param {string} text */
function endSharing(text) {
  Object.assign(sharing, { tone: 'warn', text, over: true });
  showState();
}

/** The one sentence under the picture, and what to do next. */
function showState() {
  const { peers = 0, parents = 0, children = 0 } = page.mesh?.stats ?? {};
  met ||= peers > 0;
  if (parents === 0) missed = 0;
  let { tone, text } = sharing;
  if (!text) {
    text =
      peers > 0
        ? `The tracker is away. Still sharing with ${plural(peers, 'viewer', 'viewers')}.`
        : 'The tracker cannot be reached: playing from the CDN. Trying again soon.';
  }
  if (streamFailed) [tone, text] = ['bad', 'The stream does not play.'];
  element('state').dataset.tone = tone;
  setText('state-text', text);
  const now = { streamFailed, over: sharing.over, tone, peers, parents, children };
  setText('next', nextStep({ ...now, missed, gives, met }));
}

/**
 * @param {any} hls
 * @param {string} source
 */
function watchPlayer(hls, source) {
  const { Events, ErrorTypes } = page.Hls;
  hls.on(Events.MANIFEST_PARSED, () => {
    showLevels(hls);
    play();
  });
  hls.on(Events.LEVEL_SWITCHED, () => showLevels(hls));
  quality.addEventListener('change', () => {
    hls.nextLevel = Number(quality.value);
  });
  let recovered = false;
  hls.on(Events.ERROR, (/** @type {string} */ _name, /** @type {any} */ data) => {
    if (!data.fatal) return;
    if (data.type === ErrorTypes.MEDIA_ERROR && !recovered) {
      recovered = true;
      hls.recoverMediaError();
      return;
    }
    streamFailed = true;
    showState();
    const network = data.type === ErrorTypes.NETWORK_ERROR;
    showFailure(
      network
        ? `The stream cannot be reached: ${data.url ?? source}`
        : `This browser cannot play this stream (${data.details}).`,
    );
  });
  video.addEventListener('playing', hideOverlay);
  video.addEventListener('ended', () => {
    const hint = query.has('src') ? '' : ' The live channel never ends.';
    showOverlay(`That was the whole video.${hint}`, 'Play again', () => {
      hideOverlay();
      video.currentTime = 0;
      play();
    });
  });
}

async function play() {
  try {
    await video.play();
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotAllowedError') {
      showOverlay('', 'Play', play);
    }
  }
}

/** @param {any} hls */
function showLevels(hls) {
  const name = (/** @type {any} */ level) => {
    const picture = level.height ? `${level.height}p, ` : '';
    const kbps = Math.round((level.averageBitrate || level.bitrate) / 1000);
    return picture + (kbps < 1000 ? `${kbps} kbit/s` : `${(kbps / 1000).toFixed(1)} Mbit/s`);
  };
  const current = hls.levels[hls.currentLevel];
  const auto = hls.autoLevelEnabled && current ? `Auto (${name(current)})` : 'Auto';
  const names = [auto, ...hls.levels.map(name)];
  if (quality.options.length !== names.length) {
    quality.replaceChildren(...names.map((_, i) => new Option('', String(i - 1))));
  }
  names.forEach((text, i) => (quality.options[i].text = text));
  quality.value = String(hls.autoLevelEnabled ? -1 : hls.loadLevel);
  quality.disabled = names.length <= 2;
}

function sampleTraffic() {
  let last = { ...unshared };
  let lastAt = performance.now();
  setInterval(() => {
    const stats = figures();
    // Timers of a hidden page come late: what came meanwhile is spread over the time it took.
    const seconds = Math.max(1, Math.round((performance.now() - lastAt) / SAMPLE_MS));
    lastAt += seconds * SAMPLE_MS;
    const sample = {
      cdn: (stats.cdnBytes - last.cdnBytes) / seconds,
      p2p: (stats.p2pBytes - last.p2pBytes) / seconds,
      upload: (stats.uploadBytes - last.uploadBytes) / seconds,
    };
    last = { ...stats };
    chart.push(...Array.from({ length: Math.min(seconds, 120) }, () => sample));
    showFigures(stats);
    showPeers();
  }, SAMPLE_MS);
}

/** @param {{ cdnBytes: number, p2pBytes: number, uploadBytes: number, peers: number }} stats */
function showFigures(stats) {
  const downloaded = stats.p2pBytes + stats.cdnBytes;
  setText('share', formatShare(stats.p2pBytes, downloaded));
  element('split-peers').style.flexGrow = String(downloaded ? stats.p2pBytes / downloaded : 0);
  element('split-cdn').style.flexGrow = String(downloaded ? stats.cdnBytes / downloaded : 0);
  setText('p2p-bytes', formatBytes(stats.p2pBytes));
  setText('cdn-bytes', formatBytes(stats.cdnBytes));
  setText('upload-bytes', formatBytes(stats.uploadBytes));
  setText('peer-count', String(stats.peers));
  showState();
}

function showPeers() {
  /** @type {PeerSnapshot[]} */
  const peers = page.mesh?.peers ?? [];
  const rows = peers.map((peer) => {
    const row = document.createElement('tr');
    const cell = (/** @type {string} */ text, /** @type {string} */ className = '') => {
      const td = document.createElement('td');
      td.textContent = text;
      td.className = className;
      row.append(td);
      return td;
    };
    cell(shortId(peer.id), 'id').title = peer.id;
    cell(peer.open ? (peer.role === 'parent' ? 'Parent' : 'Child') : 'Connecting');
    cell(formatBytes(peer.receivedBytes), 'number');
    cell(formatBytes(peer.sentBytes), 'number');
    const delay = peer.rttMs;
    const known = delay !== null && delay >= 0;
    cell(known ? (delay < 1 ? '< 1 ms' : `${Math.round(delay)} ms`) : '–', 'number');
    return row;
  });
  element('peers').replaceChildren(...rows);
  element('no-peers').hidden = rows.length > 0;
}

/** @param {Pick<MeshEvents['segment'], 'url' | 'source' | 'bytes'>} segment */
function addSegment({ url, source, bytes }) {
  const name = url.split(/[?#]/, 1)[0].split('/').pop();
  const text = `${name} ${SOURCE_WORDS[source]}, ${formatBytes(bytes)}`;
  const item = document.createElement('li');
  item.dataset.source = source;
  item.title = text;
  item.setAttribute('aria-label', text);
  const strip = element('strip');
  strip.append(item);
  while (strip.children.length > STRIP_SEGMENTS) strip.firstElementChild?.remove();
  setText('latest', text);
  missed = source === 'cdn' && page.mesh?.stats.parents ? missed + 1 : 0;
  const { uploadBytes } = figures();
  gives = uploadBytes > uploaded;
  uploaded = uploadBytes;
  showState();
}

/** @param {boolean} live */
function showWhatPlays(live) {
  const src = query.get('src');
  if (src === null) {
    element(live ? 'stream-live' : 'stream-vod').setAttribute('aria-current', 'page');
    return;
  }
  element('streams').hidden = true;
  element('custom').hidden = false;
  setText('custom', src);
  element('custom').title = src;
}

/** @param {boolean} plain */
function openViewer(plain) {
  // A window of its own: a page in a hidden tab is slowed down by the browser. Without an opener
  // it also gets a process of its own, like any stranger's page.
  const address = new URL(location.href);
  if (plain) address.searchParams.set('plain', '1');
  else address.searchParams.delete('plain');
  window.open(address.href, '_blank', 'popup,noopener,width=1180,height=820');
}

/** @param {string} text */
function showFailure(text) {
  showOverlay(text, 'Try again', () => location.reload());
}

/**
 * @param {string} text
 * @param {string} action
 * @param {() => void} act
 */
function showOverlay(text, action, act) {
  setText('overlay-text', text);
  const button = /** @type {HTMLButtonElement} */ (element('overlay-button'));
  button.textContent = action;
  button.onclick = act;
  element('overlay').hidden = false;
  video.controls = false;
}

function hideOverlay() {
  if (streamFailed) return;
  element('overlay').hidden = true;
  video.controls = true;
}

/**
 * Enough of an id to tell viewers apart by eye.
 * @param {string} id
 */
function shortId(id) {
  return id.slice(0, 8);
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Writes only what changed: an untouched aria-live region stays silent.
 * @param {string} id
 * @param {string} text
 */
function setText(id, text) {
  const target = element(id);
  if (target.textContent !== text) target.textContent = text;
}

/** @param {string} id */
function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}
