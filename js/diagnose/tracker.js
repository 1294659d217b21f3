/** Whether the tracker can be reached, is one of ours, and admits this viewer; and whether others are on it. */

import { withoutCredentials } from '../identity.js';
import { latestSeen } from './inside.js';

/** @typedef {import('./index.js').Finding} Finding */
/** @typedef {import('./inside.js').Inside} Inside */

/** How long a tracker may take to answer, in milliseconds. */
const PATIENCE_MS = 5000;

/**
 * @typedef {object} TrackerCheck
 * @property {Finding[]} findings
 * @property {Record<string, unknown>} facts
 * @property {{ peers: number, channels: number } | null} audience of the whole tracker; null if it does not tell
 * @property {boolean} connected
 * @property {string} excluded why the tracker introduces this viewer to nobody; empty: it may
 */

/**
 * @param {Inside} look
 * @returns {Promise<TrackerCheck>}
 */
export async function checkTracker(look) {
  const { trackers, mesh } = look;
  const state = latestSeen(look, 'tracker');
  const connected = state === 'connected' && mesh.enabled;
  if (connected) {
    const [audience, excluded] = await Promise.all([audienceOf(trackers), whyNobody(look)]);
    /** @type {Finding} */
    const finding = {
      code: 'tracker',
      severity: 'good',
      message: 'The tracker is connected.',
      advice: '',
    };
    const findings = excluded === '' ? [finding] : [finding, exclusion(excluded)];
    return { findings, facts: { tracker: 'connected' }, audience, connected, excluded };
  }
  const findings = await Promise.all(trackers.map((url) => examine(url, look)));
  const facts = { tracker: findings.map(({ code }) => code).join(', ') || 'none' };
  return { findings, facts, audience: null, connected, excluded: '' };
}

/** @param {string} reason @returns {Finding} */
const exclusion = (reason) => ({
  code: 'excluded',
  severity: 'note',
  message: `All is played from the CDN: ${reason}.`,
  advice:
    'This network is in a line of the file that the tracker’s option --groups names. Elsewhere, outside of a VPN for example, viewers get peers.',
});

/**
 * Asks the tracker once more, since the mesh does not tell, as long as nobody is connected.
 * @param {Inside} look
 */
async function whyNobody({ trackers, settings, mesh }) {
  if (mesh.stats.peers > 0 || trackers.length === 0) return '';
  const { kind, reason } = await greet(trackers[0], await tokenOf(settings));
  return kind === 'accept' ? reason : '';
}

/**
 * @param {string} url
 * @param {Inside} look
 * @returns {Promise<Finding>}
 */
async function examine(url, look) {
  const name = withoutCredentials(url);
  /** @type {(code: import('./index.js').FindingCode, message: string, advice: string) => Finding} */
  const problem = (code, message, advice) => ({ code, severity: 'problem', message, advice });
  const answer = await greet(url, await tokenOf(look.settings));
  switch (answer.kind) {
    case 'accept':
      return {
        code: 'tracker',
        severity: 'good',
        message: `The tracker at ${name} answers.`,
        advice: '',
      };
    case 'reject':
      return problem(
        'tracker-rejected',
        `The tracker at ${name} does not admit this viewer: ${answer.reason}.`,
        'Check the option token, and the origins, channels and keys that the tracker admits.',
      );
    case 'blocked':
      return problem(
        'tracker-unreachable',
        `The page's Content Security Policy does not allow ${name}.`,
        `Add ${new URL(url).origin.replace('null', url)} to connect-src.`,
      );
    case 'foreign':
      return problem(
        'tracker-foreign',
        `What listens at ${name} is not a tracker of hlsmesh: ${answer.reason}.`,
        'Check host, port and path of the option tracker; a proxy in front of the tracker must pass WebSockets on (the headers Upgrade and Connection).',
      );
  }
  const mixed = globalThis.isSecureContext && url.startsWith('ws:') && /^https:/.test(page());
  return problem(
    'tracker-unreachable',
    `Nothing answers at ${name}${mixed ? ', which an https page may not ask: it is not wss://' : ''}.`,
    mixed
      ? 'Serve the tracker by TLS, and name it as wss://.'
      : 'Check that the tracker runs, that the name and port are right, that firewalls admit them, and that its certificate is valid.',
  );
}

/**
 * Says hello to a tracker, in a channel that nobody else is in.
 * @param {string} url
 * @param {string} token
 * @returns {Promise<{ kind: 'accept' | 'reject' | 'blocked' | 'foreign' | 'silent', reason: string }>}
 */
function greet(url, token) {
  const hello = {
    ...{
      action: 'enter',
      channel: `hlsmesh-diagnose-${crypto.getRandomValues(new Uint32Array(2))}`,
    },
    ...{ browser: '', device: 'PC', os: '', hlsmesh: 1, upBW: 0, slots: 0 },
    ...(token && { token }),
  };
  return new Promise((resolve) => {
    /** @type {WebSocket | null} */
    let socket = null;
    let opened = false;
    /** @type {(kind: any, reason?: string) => void} */
    const end = (kind, reason = '') => {
      clearTimeout(timer);
      document.removeEventListener('securitypolicyviolation', violated);
      if (socket) {
        socket.onclose = socket.onerror = socket.onmessage = null;
        socket.close();
      }
      resolve({ kind, reason });
    };
    const violated = (/** @type {SecurityPolicyViolationEvent} */ { blockedURI }) => {
      if (url.startsWith(blockedURI.replace(/\/$/, ''))) end('blocked');
    };
    const timer = setTimeout(
      () => (opened ? end('foreign', 'it does not answer a hello') : end('silent')),
      PATIENCE_MS,
    );
    const failed = async () => {
      if (opened) return end('foreign', 'it ends the connection after a hello');
      // The event of a violation comes in a later task; what answers plain HTTP is no tracker.
      const http = await answersHttp(url);
      end(http ? 'foreign' : 'silent', 'it answers HTTP, and takes no WebSocket there');
    };
    document.addEventListener('securitypolicyviolation', violated);
    try {
      socket = new WebSocket(url);
    } catch {
      return end('blocked');
    }
    const open = socket;
    socket.onopen = () => {
      opened = true;
      open.send(JSON.stringify(hello));
    };
    socket.onerror = socket.onclose = failed;
    socket.onmessage = ({ data }) => {
      const { action, reason = '' } = parsed(data);
      if (action === 'accept' || action === 'reject') end(action, String(reason));
      else end('foreign', 'its answer is not of the protocol');
    };
  });
}

/**
 * @param {string[]} trackers
 * @returns {Promise<{ peers: number, channels: number } | null>}
 */
async function audienceOf([url]) {
  try {
    const answer = await fetch(httpOf(url), { signal: AbortSignal.timeout(PATIENCE_MS) });
    const { peers, channels } = await answer.json();
    return Number.isFinite(peers) && Number.isFinite(channels) ? { peers, channels } : null;
  } catch {
    return null;
  }
}

/** @param {string} url */
async function answersHttp(url) {
  try {
    await fetch(httpOf(url), { mode: 'no-cors', signal: AbortSignal.timeout(PATIENCE_MS) });
    return true;
  } catch {
    return false;
  }
}

/** @param {string} url of a tracker @returns {string} that of its health */
const httpOf = (url) => new URL('healthz', url.replace(/^ws/, 'http').replace(/[?#].*/, '')).href;

/** @param {unknown} data @returns {any} */
function parsed(data) {
  try {
    return JSON.parse(String(data)) ?? {};
  } catch {
    return {};
  }
}

/** @param {import('../options.js').Settings} settings */
async function tokenOf({ token = '' }) {
  try {
    return String(typeof token === 'function' ? await token() : token);
  } catch {
    return '';
  }
}

const page = () => globalThis.location?.href ?? '';
