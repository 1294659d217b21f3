/** Stand-ins for a browser's RTCPeerConnection and its data channel, which a test drives by hand. */

export class FakeChannel {
  readyState = 'connecting';
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  binaryType = 'blob';
  /** @type {any[]} */
  sent = [];
  closed = 0;
  /** @type {any} */ onopen = null;
  /** @type {any} */ onmessage = null;
  /** @type {any} */ onclose = null;
  /** @type {any} */ onbufferedamountlow = null;
  /** @param {any} data */
  send(data) {
    if (this.readyState !== 'open') throw new Error('InvalidStateError');
    this.sent.push(typeof data === 'string' ? data : data.slice());
    this.bufferedAmount += data.length;
  }
  close() {
    this.closed++;
    this.readyState = 'closing';
  }
  open() {
    this.readyState = 'open';
    this.onopen?.();
  }
}

export class FakeConnection {
  /** @type {FakeConnection[]} */
  static made = [];
  /** True if a connection has all its candidates immediately. */
  static knows = true;
  connectionState = 'new';
  iceConnectionState = 'new';
  sctp = { maxMessageSize: 262144 };
  /** @type {any} */ localDescription = null;
  /** @type {any} */ remoteDescription = null;
  /** @type {any[]} */ candidates = [];
  /** @type {FakeChannel[]} */ channels = [];
  /** @type {any[]} */ labels = [];
  closed = 0;
  /** @type {any} */ onicecandidate = null;
  /** @type {any} */ ondatachannel = null;
  /** @type {any} */ onconnectionstatechange = null;
  /** @type {any} */ oniceconnectionstatechange = null;
  /** @param {any} config */
  constructor(config) {
    this.config = config;
    FakeConnection.made.push(this);
  }
  /** @param {string} label @param {any} options */
  createDataChannel(label, options) {
    this.labels.push([label, options]);
    const channel = new FakeChannel();
    this.channels.push(channel);
    return channel;
  }
  async createOffer() {
    return { type: 'offer', sdp: 'my offer' };
  }
  async createAnswer() {
    return { type: 'answer', sdp: 'my answer' };
  }
  /** @param {any} description */
  async setLocalDescription(description) {
    this.localDescription = description;
    this.found('early');
    if (FakeConnection.knows) this.gathered();
  }
  /** @param {any} description */
  async setRemoteDescription(description) {
    if (description.sdp === 'nonsense') throw new Error('cannot parse');
    this.remoteDescription = description;
  }
  /** @param {any} candidate */
  async addIceCandidate(candidate) {
    if (!this.remoteDescription) throw new Error('InvalidStateError');
    if (candidate.candidate === 'unusable') throw new Error('OperationError');
    this.candidates.push(candidate.candidate);
  }
  /** @param {string} text */
  found(text) {
    const { type, sdp } = this.localDescription;
    this.localDescription = { type, sdp: `${sdp}, ${text}` };
    this.onicecandidate?.({ candidate: { candidate: text, toJSON: () => ({ candidate: text }) } });
  }
  gathered() {
    this.onicecandidate?.({ candidate: null });
  }
  close() {
    this.closed++;
  }
  /** @param {string} state */
  ice(state) {
    this.iceConnectionState = state;
    this.oniceconnectionstatechange?.();
  }
  connect() {
    this.connectionState = 'connected';
    this.onconnectionstatechange?.();
  }
  fail() {
    this.connectionState = 'failed';
    this.onconnectionstatechange?.();
  }
}

/** Lets every promise that can settle do so. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));
