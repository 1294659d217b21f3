/**
 * Honest viewers of a tracker, as far as it knows them: they enter, connect as they are told, report, come back after a loss with the
 * connections that they have, and leave.
 */
import WebSocket from 'ws';

const OFFER = {
  type: 'offer',
  sdp: `v=0\r\n${'a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n'.repeat(20)}`,
};
// As the SDK does it.
const DIAL_TIMEOUT_MS = 8000;
const REPORT_MS = 30_000;
const AWAY_MS = [300, 2000];
// A connection whose other end is gone is noticed after this time.
const LOST_AFTER_MS = 1000;

/**
 * @typedef {object} Link a connection between two viewers
 * @property {Viewer} child
 * @property {Viewer} parent
 * @property {string} dcId under which both report it
 */

export class Audience {
  /** @type {Set<Viewer>} */
  viewers = new Set();
  /** Viewers by the id that they have now, or had when a connection began. @type {Map<string, Viewer>} */
  ids = new Map();
  counts = { entered: 0, opened: 0, failed: 0, rejected: 0 };
  /** How often connections were lost, by close code. @type {Map<number, number>} */
  lost = new Map();
  /** How long viewers in their channel had no parent until they got one, in milliseconds. @type {number[]} */
  fedAfterMs = [];

  /** @param {() => string[]} urls of trackers that a viewer would be sent to now */
  constructor(urls) {
    this.urls = urls;
  }

  /** @param {string} channel @param {string} address the viewer's own */
  add(channel, address) {
    const viewer = new Viewer(this, channel, address);
    this.viewers.add(viewer);
    viewer.open();
    return viewer;
  }

  end() {
    for (const viewer of this.viewers) viewer.leave();
  }

  /**
   * Viewers who have been in their channel without a parent for longer than that, though others of their channel are there; the one of
   * each channel who has been so for longest is its source, and not among them.
   * @param {number} ms
   */
  hungry(ms) {
    const now = performance.now();
    /** @type {Map<string, Viewer[]>} */
    const byChannel = new Map();
    for (const viewer of this.viewers) {
      if (viewer.hungrySince === null || now - viewer.hungrySince < ms) continue;
      byChannel.set(viewer.channel, [...(byChannel.get(viewer.channel) ?? []), viewer]);
    }
    return [...byChannel.values()].flatMap((all) =>
      all.sort((a, b) => Number(a.hungrySince) - Number(b.hungrySince)).slice(1),
    );
  }

  /** True if every viewer is in its channel, and all but one of each channel are fed. */
  get settled() {
    return this.hungry(0).length === 0 && [...this.viewers].every(({ joined }) => joined);
  }
}

export class Viewer {
  id = '';
  joined = false;
  /** When it began to be in its channel without a parent. @type {number | null} */
  hungrySince = null;
  /** @type {Link[]} */
  links = [];
  /** @type {WebSocket | undefined} */
  ws;
  #audience;
  #gone = false;
  /** @type {Map<string, NodeJS.Timeout>} by the id of the peer that was dialled */
  #dialled = new Map();
  /** @type {NodeJS.Timeout | undefined} */
  #reports;
  /** Connections from before it came back, or its channel moved, whose other ends the tracker does not know. @type {Set<Link>} */
  #kept = new Set();

  /** @param {Audience} audience @param {string} channel @param {string} address */
  constructor(audience, channel, address) {
    this.#audience = audience;
    this.channel = channel;
    this.address = address;
  }

  get parents() {
    return this.links.filter(({ child }) => child === this);
  }

  open() {
    if (this.#gone) return;
    const urls = this.#audience.urls();
    const url = urls[Math.floor(Math.random() * urls.length)];
    const ws = new WebSocket(url, { localAddress: this.address, perMessageDeflate: false });
    this.ws = ws;
    ws.on('open', () => this.#enter());
    ws.on('message', (data) => this.#hear(JSON.parse(String(data))));
    ws.on('close', (code) => this.#closed(code));
    ws.on('error', () => {});
  }

  /** Leaves for good: the browser tab is closed. */
  leave() {
    this.#gone = true;
    this.#audience.viewers.delete(this);
    this.#stop();
    this.ws?.terminate();
    for (const link of this.links) {
      const other = link.child === this ? link.parent : link.child;
      setTimeout(() => other.#lose(link), LOST_AFTER_MS);
    }
    this.links = [];
  }

  /** @param {object} message */
  #say(message) {
    if (this.ws?.readyState === WebSocket.OPEN) this.ws.send(JSON.stringify(message));
  }

  #enter() {
    ++this.#audience.counts.entered;
    const parents = this.parents.length;
    const kept = { parents, children: this.links.length - parents };
    this.#kept = new Set(this.links);
    const about = { browser: 'Chrome', device: 'PC', os: 'Linux', hlsmesh: 2, live: true };
    this.#say({ action: 'enter', channel: this.channel, ...about, ...kept });
  }

  /** @param {any} message */
  #hear(message) {
    const { action } = message;
    if (action === 'accept') this.#accepted(message.peer_id);
    else if (action === 'connect') this.#dial(message.to_peer_id);
    else if (action === 'disconnect') this.#part(message.to_peer_id);
    else if (action === 'reject') ++this.#audience.counts.rejected;
    else if (action === 'signal') this.#signalled(message.from_peer_id, JSON.parse(message.data));
  }

  /** @param {string} id */
  #accepted(id) {
    if (id === this.id && this.joined) {
      // Another node runs the channel from now on. It knows how many connections the viewer has, and not to whom.
      this.#kept = new Set(this.links);
      this.#look();
      return;
    }
    this.id = id;
    this.#audience.ids.set(id, this);
    this.joined = true;
    this.#look();
    this.#reports = setInterval(() => {
      this.#say({ action: 'statistics', level: 2, cdn: 100, p2p: this.parents.length * 900 });
    }, REPORT_MS);
  }

  /** @param {string} to */
  #dial(to) {
    const dcId = `${this.id}-${to}`;
    const failed = () => {
      this.#dialled.delete(to);
      ++this.#audience.counts.failed;
      this.#say({ action: 'dc_failed', dc_id: dcId });
    };
    this.#dialled.set(to, setTimeout(failed, DIAL_TIMEOUT_MS));
    this.#say({ action: 'signal', to_peer_id: to, data: JSON.stringify(OFFER) });
  }

  /** @param {string} from @param {{ type: string }} data */
  #signalled(from, { type }) {
    if (type === 'offer') {
      const data = JSON.stringify({ ...OFFER, type: 'answer' });
      this.#say({ action: 'signal', to_peer_id: from, data });
      return;
    }
    const timer = this.#dialled.get(from);
    const parent = this.#audience.ids.get(from);
    if (timer === undefined || parent === undefined || parent.#gone) return;
    clearTimeout(timer);
    this.#dialled.delete(from);
    const link = { child: this, parent, dcId: `${this.id}-${from}` };
    if (this.hungrySince !== null) {
      this.#audience.fedAfterMs.push(performance.now() - this.hungrySince);
    }
    this.links.push(link);
    parent.links.push(link);
    ++this.#audience.counts.opened;
    this.#say({ action: 'dc_opened', dc_id: link.dcId });
    this.#look();
  }

  /** The tracker ended a connection. @param {string} id of the other */
  #part(id) {
    const link = this.links.find(({ dcId }) => dcId.includes(id));
    if (!link) return;
    this.#drop(link);
    // As the SDK does: who was told says nothing, and the other reports that its connection was closed.
    const other = link.child === this ? link.parent : link.child;
    other.#lose(link);
  }

  /** The other end of a connection is gone. @param {Link} link */
  #lose(link) {
    if (!this.links.includes(link)) return;
    this.#drop(link);
    this.#say({ action: 'dc_closed', dc_id: link.dcId });
  }

  /** @param {Link} link */
  #drop(link) {
    this.links = this.links.filter((one) => one !== link);
    this.#look();
  }

  #look() {
    // The tracker gives a viewer who brought children along no parent: it might be one of those below it.
    const bound = this.links.some((link) => link.parent === this && this.#kept.has(link));
    const hungry = this.joined && this.parents.length === 0 && !bound;
    this.hungrySince = hungry ? (this.hungrySince ?? performance.now()) : null;
  }

  #stop() {
    this.joined = false;
    this.hungrySince = null;
    clearInterval(this.#reports);
    for (const timer of this.#dialled.values()) clearTimeout(timer);
    this.#dialled.clear();
  }

  /** @param {number} code */
  #closed(code) {
    this.#stop();
    if (this.#gone) return;
    const { lost } = this.#audience;
    lost.set(code, (lost.get(code) ?? 0) + 1);
    const [least, most] = AWAY_MS;
    setTimeout(() => this.open(), least + Math.random() * (most - least));
  }
}
