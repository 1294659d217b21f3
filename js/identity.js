/** Removes the credentials that a site gives each viewer from URLs: the rest is identity (docs/IDENTITY.md). */

/**
 * Names of parameters that are always credentials, in lower case. Their origins, in the order of the lines: tokens and sessions
 * under plain names; signatures; their times; Akamai, Bunny, Google Media CDN and Cloud CDN; CloudFront and S3; MediaTailor;
 * Google Cloud Storage; Wowza and Nimble; SRS and Kaltura; Alibaba, Tencent, Wangsu, Huawei, Volcengine; hls.js itself.
 */
const CREDENTIAL = new RegExp(
  '^(' +
    '[-.\\w]*(token|jwt)|auth(ori[sz]ation)?|api[-_]?key|passw(or)?d|secret|ticket|nonce|' +
    '[-.\\w]*sess(ion)?[-_.]?(id|key)|' +
    'sig(n(ature)?)?|hmac|md5|verify|policy|secure|' +
    'exp(ir(y|es?|ed|ation)([-_]?(at|time|ts))?)?|' +
    '__(token|gda)__|hdn(ea|ts|tl)|token_(path|ver|countries(_blocked)?)|' +
    'urlprefix|keyname|' +
    'key-pair-id|(google|aws)access(key)?id|x-(amz|goog)-.+|' +
    'wowzatoken.*|wmsauthsign|' +
    'hls_ctx|ks|' +
    'auth_(key|info|sig)|(tx|ws|hw|volc)(secret|(abs)?time)|' +
    'cmcd|_hls_.+' +
    ')$',
);

/** Everyday words among them, which may also select a video: they are credentials if their value is as long as one. */
const DOUBTFUL = /^(sign|secure|policy|verify|ticket|secret|exp|st|e)=(?!(?=.*\d).{8}|.{16})/i;

/** Short names that are credentials only beside another parameter, which comes first: Azure's SAS, nginx's secure_link. */
const COMPANIONS =
  /^(sig&s([verpits]|ip|pr|rt|dd|cid|[au]oid|k([tesv]|[ot]id))|(st|md5)&e|(e|expires)&st)$/;

/**
 * Of a text of `name=value` parts.
 * @param {string} part
 */
function nameOf(part) {
  const name = part.replace(/=.*/s, '').toLowerCase();
  try {
    return decodeURIComponent(name).toLowerCase();
  } catch {
    return name;
  }
}

/** @param {string} part @returns {boolean} */
const isCredential = (part) => CREDENTIAL.test(nameOf(part)) && !DOUBTFUL.test(part);

/**
 * Returns a URL or relative reference without fragment and credentials. Other parameters keep their spelling and are sorted by
 * name; those with the same name keep their order. A directory with credentials (`/hdntl=exp=…~hmac=…/`) is removed too.
 * @param {string} url
 * @returns {string}
 */
export function withoutCredentials(url) {
  const [, path, query = ''] = /** @type {string[]} */ (/^([^?#]*)(?:\?([^#]*))?/.exec(url));
  // No expression looks for the equals sign: without one, a long name would take the square of its length.
  const plain = path
    .split('/')
    .filter(
      (part, at, { length }) => at + 1 === length || !part.includes('=') || !isCredential(part),
    )
    .join('/')
    .replace(/;jsessionid=[^/]*/gi, '');
  const given = query
    .split('&')
    .filter(Boolean)
    .map((part) => [nameOf(part), part]);
  const kept = given
    .filter(
      ([name, part]) =>
        DOUBTFUL.test(part) ||
        !(isCredential(part) || given.some(([beside]) => COMPANIONS.test(`${beside}&${name}`))),
    )
    .sort(([a], [b]) => (a < b ? -1 : Number(a > b)))
    .map(([, part]) => part)
    .join('&');
  return kept ? `${plain}?${kept}` : plain;
}

/** The longest `channel` of the tracker's protocol, in bytes. */
const MAX_CHANNEL_BYTES = 2048;
/** The characters that are kept of a longer name: enough to recognise it in a log, and below the limit for any characters. */
const KEPT_CHANNEL_CHARACTERS = 600;

/**
 * Returns a channel that fits into a message: a longer one becomes its beginning and 128 bits of a hash, the same for all
 * viewers.
 * @param {unknown} named what the site gives; empty: no channel
 * @returns {string}
 */
export function shortChannel(named) {
  // The texts of all promises are the same, and so would be the channels of all streams.
  if (Object(named) === named) throw new TypeError('channel gave an object; it must be a string');
  const channel = String(named ?? '');
  if (new TextEncoder().encode(channel).length <= MAX_CHANNEL_BYTES) return channel;
  const digest = [...'1234'].map((lane) => hashOf(lane + channel)).join('');
  return `${channel.slice(0, KEPT_CHANNEL_CHARACTERS)}~${digest}`;
}

/**
 * FNV-1a over UTF-16 code units.
 * @param {string} text
 * @returns {string} 32 bits in hexadecimal
 */
export function hashOf(text) {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; ++at) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}
