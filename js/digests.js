/** Gets the publisher's digests of a media playlist's segments (docs/DIGESTS.md). */

/** @typedef {import('hls.js').LevelDetails} LevelDetails */

const TAG = /^#EXT-X-HLSMESH-DIGESTS(?::URI="([^"]*)")?/m;
const SIGNATURE = '#SIGNATURE:';
/** Playlists have a few KB; what takes longer than this has stalled. */
const PATIENCE_MS = 10_000;

/**
 * @param {LevelDetails} details
 * @returns {boolean} whether the playlist says that there are digests
 */
export const saysDigests = ({ m3u8 }) => TAG.test(m3u8 ?? '');

/**
 * Gets the file by hls.js's own means, as it would get a playlist: with the site's headers, cookies and tokens.
 * @param {LevelDetails} details of the playlist, which may name the file; else it stands beside it
 * @param {import('hls.js').HlsConfig} config
 * @param {string | undefined} key Ed25519, 32 bytes in base64: what is not signed with it is refused
 * @returns {Promise<string>} rejects with the reason
 */
export async function fetchDigests({ m3u8, url }, config, key) {
  const [, named] = TAG.exec(m3u8 ?? '') ?? [];
  const text = await load(new URL(named || beside(url), url).href, config);
  if (!key) return text;
  const at = text.lastIndexOf(SIGNATURE);
  const signed = new TextEncoder().encode(text.slice(0, Math.max(at, 0)));
  const { subtle } = crypto;
  const algorithm = { name: 'Ed25519' };
  const trusted = await subtle.importKey('raw', bytesOf(key), algorithm, false, ['verify']);
  const signature = bytesOf(at < 0 ? '' : text.slice(at + SIGNATURE.length).trim());
  if (!(await subtle.verify(algorithm, trusted, signature, signed)))
    throw Error('it has no signature of digestsKey');
  return text;
}

/** @param {string} url */
const beside = (url) => url.replace(/([?#].*)?$/s, '.digests$1');

/** @param {string} base64 either alphabet */
const bytesOf = (base64) =>
  Uint8Array.from(atob(base64.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));

/**
 * @param {string} url
 * @param {any} config
 * @returns {Promise<string>}
 */
const load = (url, config) =>
  new Promise((resolve, reject) => {
    const loader = new config.loader(config);
    const loadPolicy = {
      maxTimeToFirstByteMs: PATIENCE_MS,
      maxLoadTimeMs: PATIENCE_MS,
      timeoutRetry: null,
      errorRetry: null,
    };
    const settings = { loadPolicy, timeout: PATIENCE_MS, maxRetry: 0, retryDelay: 0 };
    loader.load(
      { url, responseType: 'text' },
      { ...settings, maxRetryDelay: 0 },
      {
        onSuccess: (/** @type {any} */ { data }) => resolve(data),
        onError: (/** @type {any} */ { code, text }) => reject(Error(`${url}: ${code} ${text}`)),
        onTimeout: () => reject(Error(`${url} does not come`)),
      },
    );
  });
