/**
 * The protocols of the load's peers with each server: they enter, and then exchange offer and answer with every peer to which
 * they are introduced.
 */

/**
 * @typedef {object} Book what is written down of a run
 * @property {number} introductions offers that were answered
 * @property {number} relayed messages that came from another peer
 * @property {number[]} connectMs from entering to being told of a peer; empty where a server does not tell
 * @property {number[]} answerMs from entering to the first answer
 * @property {number[]} relayMs from one peer to another
 */

/**
 * @typedef {object} LoadPeer
 * @property {import('ws').WebSocket} ws
 * @property {number} index
 * @property {number} enteredAt
 * @property {boolean} told
 * @property {boolean} answered
 */

/**
 * @typedef {object} Protocol
 * @property {(index: number) => string} path
 * @property {(peer: LoadPeer) => void} enter
 * @property {(peer: LoadPeer, text: string) => void} hear
 */

// Of the size that Chromium 140 writes them, for a connection with one data channel and four candidates.
const SDP =
  'v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=extmap-allow-mixed\r\n' +
  'a=msid-semantic: WMS\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:Hq4d\r\n' +
  'a=ice-pwd:1qTWZxjJbPuYHH5r8vT3jQdq\r\na=ice-options:trickle\r\na=fingerprint:sha-256 ' +
  'C8:5A:11:0E:77:52:9C:3E:40:61:B8:84:A5:0F:3B:5D:68:9C:2A:F1:07:6D:9B:42:DE:90:E3:15:7C:88:F0:31\r\n' +
  'a=setup:actpass\r\na=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n';
const CANDIDATES = [
  'candidate:1467250027 1 udp 2122260223 3f5c9f0e-7b4c-4b0e-9a53-6f1f0c0d2a11.local 46243 typ host generation 0 ufrag Hq4d network-id 1',
  'candidate:1853887674 1 udp 2122194687 7a1d6a4e-2f0b-4a75-8f3d-2d4bb1b2d9f5.local 55173 typ host generation 0 ufrag Hq4d network-id 2',
  'candidate:842163049 1 udp 1686052607 203.0.113.77 46243 typ srflx raddr 0.0.0.0 rport 0 generation 0 ufrag Hq4d network-id 1',
  'candidate:344579997 1 tcp 1518280447 3f5c9f0e-7b4c-4b0e-9a53-6f1f0c0d2a11.local 9 typ host tcptype active generation 0 ufrag Hq4d',
];
const GATHERED = `${SDP}${CANDIDATES.map((candidate) => `a=${candidate}\r\n`).join('')}`;

const PEERS_PER_CHANNEL = 100;
const PARENTS = 3;

const now = () => performance.now();
/** @param {number} value */
const stamp = (value) => Math.round(value * 1000) / 1000;

/** @param {LoadPeer} peer @param {Book} book */
function answered(peer, book) {
  ++book.introductions;
  if (peer.answered) return;
  peer.answered = true;
  book.answerMs.push(now() - peer.enteredAt);
}

/**
 * hlsmesh's. A signal is a string in which another JSON text stands, as the SDK writes it.
 * @param {Book} book
 * @param {boolean} trickle candidates one by one, as clients of the day send them, instead of in the SDP as the SDK does
 * @returns {Protocol}
 */
export function trackerProtocol(book, trickle) {
  /** @type {Map<string, string>} a peer's own id */
  const ids = new Map();
  /** @param {LoadPeer} peer @param {string} to @param {object} data */
  const signal = (peer, to, data) => {
    peer.ws.send(
      JSON.stringify({
        action: 'signal',
        to_peer_id: to,
        data: JSON.stringify({ ...data, t: stamp(now()) }),
      }),
    );
  };
  /** @param {LoadPeer} peer @param {string} to @param {'offer' | 'answer'} type */
  const describe = (peer, to, type) => {
    signal(peer, to, { type, sdp: trickle ? SDP : GATHERED });
    if (!trickle) return;
    for (const candidate of CANDIDATES) {
      signal(peer, to, { candidate: { candidate, sdpMid: '0', sdpMLineIndex: 0 } });
    }
  };
  return {
    path: () => '/',
    enter(peer) {
      const channel = `https://cdn.example/live/${Math.floor(peer.index / PEERS_PER_CHANNEL)}/master.m3u8`;
      const enter = { browser: 'Chrome', device: 'PC', os: 'Linux', hlsmesh: 1, live: true };
      peer.ws.send(JSON.stringify({ action: 'enter', channel, ...enter }));
    },
    hear(peer, text) {
      const message = JSON.parse(text);
      switch (message.action) {
        case 'accept':
          ids.set(String(peer.index), message.peer_id);
          break;
        case 'connect':
          if (!peer.told) book.connectMs.push(now() - peer.enteredAt);
          peer.told = true;
          describe(peer, message.to_peer_id, 'offer');
          break;
        case 'signal': {
          const { type, t } = JSON.parse(message.data);
          book.relayMs.push(now() - t);
          ++book.relayed;
          if (type === 'offer') describe(peer, message.from_peer_id, 'answer');
          if (type === 'answer') {
            if (!peer.answered)
              peer.ws.send('{"action":"statistics","level":2,"cdn":2048,"p2p":0}');
            answered(peer, book);
            const id = `${ids.get(String(peer.index))}-${message.from_peer_id}`;
            peer.ws.send(JSON.stringify({ action: 'dc_opened', dc_id: id }));
          }
          break;
        }
      }
    },
  };
}

/**
 * bittorrent-tracker's: the first announce brings offers, which it hands to peers of its choice.
 * @param {Book} book
 * @returns {Protocol}
 */
export function bittorrentProtocol(book) {
  /** @param {string} text */
  const padded = (text) => text.padStart(20, '0');
  /** @param {LoadPeer} peer */
  const common = ({ index }) => ({
    action: 'announce',
    info_hash: padded(`channel${Math.floor(index / PEERS_PER_CHANNEL)}`),
    peer_id: padded(String(index)),
  });
  return {
    path: () => '/',
    enter(peer) {
      const offers = Array.from({ length: PARENTS }, (_, at) => ({
        offer_id: padded(`${peer.index}-${at}`),
        offer: { type: 'offer', sdp: GATHERED, t: stamp(now()) },
      }));
      const progress = { uploaded: 0, downloaded: 0, left: 1000, event: 'started' };
      peer.ws.send(JSON.stringify({ ...common(peer), ...progress, numwant: PARENTS, offers }));
    },
    hear(peer, text) {
      const message = JSON.parse(text);
      const signal = message.offer ?? message.answer;
      if (!signal) return;
      book.relayMs.push(now() - signal.t);
      ++book.relayed;
      if (message.answer) return answered(peer, book);
      const answer = { type: 'answer', sdp: GATHERED, t: stamp(now()) };
      const { peer_id: to, offer_id } = message;
      peer.ws.send(JSON.stringify({ ...common(peer), to_peer_id: to, offer_id, answer }));
    },
  };
}

/**
 * Offers and answers between pairs that no server has to find.
 * @param {Book} book
 * @returns {Protocol}
 */
export function bareProtocol(book) {
  /** @param {LoadPeer} peer @param {'offer' | 'answer'} type */
  const describe = (peer, type) =>
    peer.ws.send(JSON.stringify({ type, sdp: GATHERED, t: stamp(now()) }));
  return {
    path: (index) => `/${index >> 1}`,
    enter(peer) {
      // The second of a pair starts, for both.
      if (peer.index % 2 === 0) return;
      for (let i = 0; i < 2 * PARENTS; ++i) describe(peer, 'offer');
    },
    hear(peer, text) {
      const { type, t } = JSON.parse(text);
      book.relayMs.push(now() - t);
      ++book.relayed;
      if (type === 'offer') describe(peer, 'answer');
      else answered(peer, book);
    },
  };
}

/**
 * The messages of the tracker's peers, for a server that reads only the first word: the number of the receiver, or a word for
 * messages to nobody.
 * @param {Book} book
 * @returns {Protocol}
 */
export function addressedProtocol(book) {
  /** @param {LoadPeer} peer @param {string} to @param {'offer' | 'answer'} type */
  const describe = (peer, to, type) => {
    const data = JSON.stringify({ type, sdp: GATHERED, t: stamp(now()) });
    peer.ws.send(`${to} ${peer.index} ${JSON.stringify({ action: 'signal', data })}`);
  };
  return {
    path: (index) => `/${Math.floor(index / PEERS_PER_CHANNEL)}/${index}`,
    enter(peer) {
      const enter = { browser: 'Chrome', device: 'PC', os: 'Linux', hlsmesh: 1, live: true };
      peer.ws.send(`enter ${JSON.stringify(enter)}`);
    },
    hear(peer, text) {
      const [first, from] = text.split(' ', 2);
      if (first === 'accept') {
        for (const to of from.split(',').filter(Boolean)) describe(peer, to, 'offer');
        return;
      }
      const { type, t } = JSON.parse(JSON.parse(text.slice(text.indexOf('{'))).data);
      book.relayMs.push(now() - t);
      ++book.relayed;
      if (type === 'offer') {
        describe(peer, from, 'answer');
        return;
      }
      if (!peer.answered) peer.ws.send('statistics {"level":2,"cdn":2048,"p2p":0}');
      answered(peer, book);
      peer.ws.send(`opened {"dc_id":"${'0'.repeat(32)}-${'0'.repeat(32)}"}`);
    },
  };
}
