import { setTimeout as sleep } from 'node:timers/promises';

/** What may happen to the body of an answer on its way. */

/** @typedef {'length too long' | 'length too short' | 'reset' | 'closed' | 'drip' | 'head'} Kind */

/** Between two pieces of a body that drips, in milliseconds. */
const DRIP_MS = 200;
/** Bytes of such a piece. */
const DRIP = 188;

/** @type {Record<Kind, (res: import('node:http').ServerResponse, status: number, body: Buffer) => unknown>} */
export const FAULTS = {
  /** The head promises more than comes. */
  'length too long': (res, status, body) => {
    res.writeHead(status, { 'Content-Length': body.length + 188, Connection: 'close' });
    res.write(body, () => res.socket?.end());
  },
  /** It promises less: browsers read no further. */
  'length too short': (res, status, body) => {
    const length = body.length >> 1;
    res.writeHead(status, { 'Content-Length': length, Connection: 'close' });
    res.end(body);
  },
  reset: (res, status, body) => {
    res.writeHead(status, { 'Content-Length': body.length });
    res.write(body.subarray(0, body.length >> 1), () => {
      setTimeout(() => res.socket?.resetAndDestroy(), 50);
    });
  },
  closed: (res, status, body) => {
    res.writeHead(status);
    res.write(body.subarray(0, body.length >> 1), () => setTimeout(() => res.destroy(), 50));
  },
  /** The head comes, and nothing else. */
  head: (res, status, body) => {
    res.writeHead(status, { 'Content-Length': body.length }).flushHeaders();
  },
  drip: async (res, status, body) => {
    res.writeHead(status, { 'Content-Length': body.length });
    for (let at = 0; at < body.length && !res.destroyed; at += DRIP) {
      res.write(body.subarray(at, at + DRIP));
      await sleep(DRIP_MS);
    }
  },
};
