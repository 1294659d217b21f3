/** What the overlay shows, read from the mesh and its player. */

import { latestSeen, timesSeen } from '../diagnose/inside.js';
import { hashOf, withoutCredentials } from '../identity.js';
import { version } from '../version.js';

/** Segments come in lumps: rates are means over these seconds. */
const AVERAGED = 5;

/**
 * @typedef {object} Reading
 * @property {number} share of peers in the download, 0 to 1
 * @property {{ peers: number, cdn: number, upload: number }} bytes since `attach`
 * @property {{ peers: number, cdn: number, upload: number }} rates bytes a second
 * @property {{ seconds: number, target: number } | null} buffer null without a media element
 * @property {import('../index.js').PeerSnapshot[]} peers
 * @property {string} noPeers why there are none
 * @property {string} instead why the CDN was asked instead of a peer
 * @property {[name: string, value: string][]} identity
 */

export class Figures {
  #look;
  /** @type {{ at: number, peers: number, cdn: number, upload: number }[]} */
  #past = [];

  /** @param {import('../diagnose/inside.js').Inside} look */
  constructor(look) {
    this.#look = look;
  }

  /** @returns {Reading} as of now; to be called once a second */
  read() {
    const { mesh } = this.#look;
    const { p2pBytes: peers, cdnBytes: cdn, uploadBytes: upload, offload } = mesh.stats;
    const bytes = { peers, cdn, upload };
    return {
      share: offload,
      bytes,
      rates: this.#rates(bytes),
      buffer: this.#buffer(),
      peers: mesh.peers,
      noPeers: this.#noPeers(),
      instead: this.#counted('fallback'),
      identity: this.#identity(),
    };
  }

  /** @param {{ peers: number, cdn: number, upload: number }} bytes */
  #rates(bytes) {
    this.#past.push({ at: performance.now(), ...bytes });
    this.#past.splice(0, this.#past.length - AVERAGED - 1);
    const [first] = this.#past;
    const seconds = Math.max(1, (performance.now() - first.at) / 1000);
    return {
      peers: (bytes.peers - first.peers) / seconds,
      cdn: (bytes.cdn - first.cdn) / seconds,
      upload: (bytes.upload - first.upload) / seconds,
    };
  }

  #buffer() {
    const { media, config } = this.#look.hls ?? {};
    if (!media) return null;
    const { currentTime: now, buffered } = media;
    let seconds = 0;
    for (let i = 0; i < buffered.length; i++) {
      if (buffered.start(i) <= now + 0.1 && now < buffered.end(i)) seconds = buffered.end(i) - now;
    }
    return { seconds, target: config.maxBufferLength };
  }

  #noPeers() {
    const { mesh, trackers } = this.#look;
    if (timesSeen(this.#look, 'warning hls-version') > 0) return 'this hls.js is not supported';
    if (trackers.length === 0) return 'no tracker is set';
    if (!mesh.enabled) return 'sharing is switched off';
    if (!mesh.channel) return 'there is no source yet';
    const tracker = latestSeen(this.#look, 'tracker');
    if (tracker !== 'connected')
      return tracker
        ? `the tracker is ${tracker}`
        : 'the first frame comes first, then the tracker';
    const ended = this.#counted('peer closed');
    return ended ? `connections ended: ${ended}` : 'nobody else is in this channel so far';
  }

  /** @param {string} name of events @returns {string} their reasons, and how often each came */
  #counted(name) {
    return Object.entries(this.#look.seen)
      .filter(([key]) => key.startsWith(`${name} `))
      .map(([key, { count }]) => `${key.slice(name.length + 1)} ${count}`)
      .join(', ');
  }

  /** @returns {[string, string][]} */
  #identity() {
    const { mesh, hls, trackers } = this.#look;
    const level = hls?.levels?.[hls.loadLevel];
    const segment = level?.details?.fragments.at(-1);
    return [
      ['Versions', `hlsmesh ${version}, hls.js ${hls?.constructor?.version ?? '–'}`],
      ['Tracker', trackers.map(withoutCredentials).join(', ') || '–'],
      ['Channel', mesh.channel ? `${mesh.channel} (${hashOf(mesh.channel)})` : '–'],
      [
        'Level',
        level
          ? `${hls.loadLevel}, ${level.height || '?'}p, ${Math.round(level.bitrate / 1000)} kbit/s`
          : '–',
      ],
      [
        'Newest segment',
        segment ? `${segment.sn} ${withoutCredentials(segment.relurl ?? '')}` : '–',
      ],
    ];
  }
}
