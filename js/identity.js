/** What of a URL is identity: everything but the credentials that a site gives each viewer (docs/IDENTITY.md). */

/**
 * Names of parameters that are credentials wherever they stand, in lower case. What they are from, in the order of the lines: tokens
 * and sessions under plain names; signatures; their times; Akamai, Bunny, Google Media CDN and Cloud CDN; CloudFront and S3;
 * MediaTailor; Google Cloud Storage; Wowza and Nimble; SRS and Kaltura; Alibaba, Tencent, Wangsu, Huawei, Volcengine; hls.js itself.
 */
const CREDENTIAL = new RegExp(
  `^(?:${[
    '(?:\\w+[-_.]?)?(?:token|jwt)|authori[sz]ation|auth|api[-_]?key|passw(?:or)?d|secret|ticket|nonce',
    '(?:\\w+[-_.]?)?sess(?:ion)?[-_.]?(?:id|key)',
    'sig|sign|signature|hmac|md5|verify|policy|secure',
    'exp|expir(?:y|es?|ed|ation)(?:[-_]?(?:at|time|ts))?',
    '__(?:token|gda)__|hdn(?:ea|ts|tl)|token_(?:path|countries|countries_blocked|ver)',
    'bcdn_token|edge-cache-token|urlprefix|keyname',
    'key-pair-id|awsaccesskeyid|x-amz-.+|aws\\.sessionid',
    'googleaccessid|x-goog-.+',
    'wowzatoken.*|wmsauthsign',
    'hls_ctx|ks',
    'auth_(?:key|info|sig)|(?:tx|ws|hw|volc)(?:secret|time|abstime)',
    'cmcd|_hls_.+',
  ].join('|')})$`,
);

/** Everyday words among them, which also select: they are credentials where their value looks like one. */
const DOUBTFUL = /^(?:sign|secure|policy|verify|ticket|secret|exp)=(?!.*\d|.{16})/i;

/** Parameters with short names that are credentials beside another: Azure's SAS, nginx's secure_link. */
const COMPANIONS = /** @type {[beside: string, others: RegExp][]} */ ([
  ['sig', /^s(?:[verpits]|ip|pr|rt|dd|cid|aoid|uoid|k(?:oid|tid|[tesv]))$/],
  ['st', /^e$/],
  ['e', /^st$/],
  ['expires', /^st$/],
  ['md5', /^e$/],
]);

/**
 * Of a text of `name=value` parts.
 * @param {string} part
 */
function nameOf(part) {
  const name = part.replace(/=.*/s, '');
  try {
    return decodeURIComponent(name).toLowerCase();
  } catch {
    return name.toLowerCase();
  }
}

/** @param {string} part @returns {boolean} */
const isCredential = (part) => CREDENTIAL.test(nameOf(part)) && !DOUBTFUL.test(part);

/**
 * A URL or relative reference without fragment and credentials. Other parameters stay as they are spelt, in the order of their names;
 * those of one name keep theirs. Credentials are also recognised where a CDN takes them as a directory (`/hdntl=exp=…~hmac=…/`).
 * @param {string} url
 * @returns {string}
 */
export function withoutCredentials(url) {
  const [, path, query = ''] = /** @type {string[]} */ (/^([^?#]*)(?:\?([^#]*))?/.exec(url));
  const plain = path
    .replace(/[^/]+=[^/]*\//g, (part) => (isCredential(part) ? '' : part))
    .replace(/;jsessionid=[^/]*/gi, '');
  const given = query.split('&').filter(Boolean);
  const names = given.map(nameOf);
  const kept = given
    .map((part, index) => /** @type {const} */ ([names[index], part]))
    .filter(
      ([name, part]) =>
        !isCredential(part) &&
        !COMPANIONS.some(([beside, others]) => names.includes(beside) && others.test(name)),
    )
    .sort(([a], [b]) => (a < b ? -1 : Number(a > b)))
    .map(([, part]) => part);
  return kept.length ? `${plain}?${kept.join('&')}` : plain;
}

/** What the tracker's protocol has room for, in bytes. */
const MAX_CHANNEL_BYTES = 2048;
/** Enough of a longer name to know it by in a log, and below the limit however many bytes its characters have. */
const KEPT_CHANNEL_CHARACTERS = 600;

/**
 * A channel that fits into a message: of a longer one its beginning and 128 bits of a hash, the same for all viewers.
 * @param {string} channel
 * @returns {string}
 */
export function shortChannel(channel) {
  if (new TextEncoder().encode(channel).length <= MAX_CHANNEL_BYTES) return channel;
  let digest = '';
  for (let lane = 1; lane <= 4; lane++) {
    let hash = lane;
    for (let i = 0; i < channel.length; i++) {
      hash = Math.imul(hash ^ channel.charCodeAt(i), 0x9e3779b1 + 2 * lane);
      hash ^= hash >>> 15;
    }
    digest += (hash >>> 0).toString(16).padStart(8, '0');
  }
  return `${channel.slice(0, KEPT_CHANNEL_CHARACTERS)}~${digest}`;
}
