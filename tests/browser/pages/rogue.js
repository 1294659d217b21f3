// A version-1 peer of the year 2018, and what may go wrong with one. Runs in a page of its own, enters the tracker as any peer
// does, waits for a child, and answers its REQUESTs as `mode` says:
//   honest      BINARY and all packets
//   silent      nothing, ever
//   lack        LACK
//   wrong-size  a BINARY whose packets do not add up to its `size`
//   half        BINARY, half of the packets, then nothing
//   flood       messages that draw no answer, from the moment the channel opens, as fast as it takes them
//   random      bytes of no meaning, as many as the segment has
//   flipped     the segment with a byte flipped in each kilobyte
//   touched     the segment with some bytes of its pictures flipped, and all that a container checks as it was
//   cut         the first half of the segment as if it were all
//   packets     the same, cut between two packets of MPEG-TS
//   nulls       as many bytes, all of them empty packets of MPEG-TS
//   shifted     another segment of the rendition
//   other       the segment of another rendition
//   boxes       ISO BMFF in place of MPEG-TS, whole and without meaning
//   page        a page of HTML
// With `level` 1 it is a peer of hlsmesh.
'use strict';

const PACKET = 61440;

globalThis.playRogue = function ({ tracker, channel, base, mode, level = 0 }) {
  const state = {
    entered: false,
    requests: 0,
    served: 0,
    opened: 0,
    sent: 0,
    floodBegan: 0,
    floodEnded: 0,
    errors: 0,
    texts: /** @type {string[]} */ ([]),
  };
  /** @type {Map<string, RTCPeerConnection>} */
  const connections = new Map();
  const socket = new WebSocket(tracker);
  const send = (/** @type {object} */ message) => socket.send(JSON.stringify(message));
  socket.onopen = () => send({ action: 'enter', channel, browser: 'Old', device: 'PC', os: 'Any' });
  socket.onmessage = async ({ data }) => {
    const message = JSON.parse(data);
    if (message.action === 'accept') state.entered = true;
    if (message.action !== 'signal') return;
    const from = message.from_peer_id;
    const signal = typeof message.data === 'string' ? JSON.parse(message.data) : message.data;
    if (signal.type === 'offer') {
      const connection = new RTCPeerConnection();
      connections.set(from, connection);
      connection.onicecandidate = ({ candidate }) => {
        if (candidate) send({ action: 'signal', to_peer_id: from, data: { candidate } });
      };
      connection.ondatachannel = ({ channel: opened }) => serve(opened);
      await connection.setRemoteDescription(signal);
      const answer = await connection.createAnswer();
      await connection.setLocalDescription(answer);
      // The wire of that day carried objects, not strings.
      send({
        action: 'signal',
        to_peer_id: from,
        data: { type: answer.type, sdp: answer.sdp },
      });
    } else if (signal.candidate) {
      await connections.get(from)?.addIceCandidate(signal.candidate);
    }
  };

  /** @param {RTCDataChannel} dataChannel */
  function serve(dataChannel) {
    state.opened++;
    dataChannel.binaryType = 'arraybuffer';
    if (mode === 'flood') return flood(dataChannel);
    dataChannel.onmessage = ({ data }) => {
      if (typeof data !== 'string') return;
      state.texts.push(data);
      const message = JSON.parse(data);
      if (message.event === 'REQUEST') answer(dataChannel, message);
      if (message.event === 'ERROR') state.errors++;
      if (message.event === 'KEEPALIVE' && level) {
        dataChannel.send(JSON.stringify({ event: 'KEEPALIVE-ACK', hlsmesh: level }));
      }
    };
  }

  /** @param {RTCDataChannel} dataChannel */
  function flood(dataChannel) {
    const texts = [
      { event: 'HELLO', filling: 'x'.repeat(100) },
      { event: 'KEEPALIVE-ACK', current: 1 },
      { event: 'LACK', url: 'nobody-asked.ts', sn: 1 },
    ].map((message) => JSON.stringify(message));
    dataChannel.onclose = () => (state.floodEnded = performance.now());
    state.floodBegan = performance.now();
    const more = () => {
      if (dataChannel.readyState !== 'open') return;
      while (dataChannel.bufferedAmount < 1024 * 1024) {
        dataChannel.send(texts[state.sent++ % texts.length]);
      }
      setTimeout(more);
    };
    more();
  }

  /** @param {string} url of a segment, whose name ends in its number @param {string} name of the other rendition @param {number} by */
  const another = (url, name, by) =>
    url.replace(/\w+_(\d+)/, (_, n) => `${name}_${String(Number(n) + by).padStart(5, '0')}`);

  /** @param {string} url */
  async function bodyOf(url) {
    if (mode === 'shifted') url = another(url, '240p', 3);
    if (mode === 'other') url = another(url, '360p-high', 0);
    const body = new Uint8Array(await (await fetch(new URL(url, base))).arrayBuffer());
    if (mode === 'page')
      return new TextEncoder().encode(`<!doctype html>${' '.repeat(body.length)}`);
    if (mode === 'boxes') {
      new DataView(body.buffer).setUint32(0, body.length);
      body.set(new TextEncoder().encode('mdat'), 4);
    }
    if (mode === 'cut') return body.slice(0, body.length / 2 - 5);
    if (mode === 'nulls') {
      const packet = new Uint8Array(188).fill(255);
      packet.set([0x47, 0x1f, 0xff, 0x10]);
      for (let at = 0; at < body.length; at += 188) body.set(packet, at);
    }
    if (mode === 'packets') return body.slice(0, Math.floor(body.length / 376) * 188);
    // Blocks, because one call gives no more than 64 KiB.
    if (mode === 'random') {
      for (let at = 0; at < body.length; at += 65536) {
        crypto.getRandomValues(body.subarray(at, at + 65536));
      }
    }
    if (mode === 'flipped') for (let at = 40; at < body.length; at += 1021) body[at] ^= 255;
    if (mode === 'touched')
      for (let at = 188 * 9 + 60; at < body.length; at += 188 * 3) body[at] ^= 255;
    return body;
  }

  /**
   * @param {RTCDataChannel} dataChannel
   * @param {{ url: string, sn: number, rendition?: string }} request
   */
  async function answer(dataChannel, { url, sn, rendition }) {
    state.requests++;
    const reply = (/** @type {object} */ fields) =>
      dataChannel.send(JSON.stringify({ url, sn, rendition, ...fields }));
    if (mode === 'silent') return;
    if (mode === 'lack') return reply({ event: 'LACK' });
    const body = await bodyOf(url);
    const attachments = Math.ceil(body.length / PACKET);
    const size = mode === 'wrong-size' ? body.length + 7 : body.length;
    reply({ event: 'BINARY', attachments, size });
    const packets = mode === 'half' ? Math.floor(attachments / 2) : attachments;
    for (let i = 0; i < packets; i++) dataChannel.send(body.slice(i * PACKET, (i + 1) * PACKET));
    state.served++;
  }

  globalThis.rogue = state;
};
