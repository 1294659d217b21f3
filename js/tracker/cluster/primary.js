/**
 * The primary process of several on one machine. It serves no viewer: it starts the workers, keeps the directory of the worker
 * that runs each channel, forwards messages between workers, and restarts workers that end.
 */
import cluster from 'node:cluster';
import { performance } from 'node:perf_hooks';
import { Standstill } from './standstill.js';
import { stopReading } from './worker-bus.js';

/** @typedef {import('node:cluster').Worker} Worker */
/** @typedef {import('./worker-bus.js').FromWorker} FromWorker */
/** @typedef {import('./worker-bus.js').FromPrimary} FromPrimary */

/** The environment variable with a worker's name. */
export const WORKER_NAME = 'HLSMESH_INTERNAL_WORKER';

const FIRST_RESTART_MS = 100;
const LONGEST_RESTART_MS = 5000;
// A worker that has run for this long did not fail at its start.
const SETTLED_MS = 10_000;

// The time that a worker has to report its metrics.
const METRICS_MS = 1000;

/** @typedef {{ asker: Worker, id: number, left: Set<string>, texts: [name: string, text: string][], timer: NodeJS.Timeout }} Question */

export class Primary {
  #log;
  #printed;
  #beatMs;
  #standstill;
  #generation = 0;
  #running = 0;
  /** The workers that have joined, by name. @type {Map<string, Worker>} */
  #workers = new Map();
  /** @type {Map<string, string>} */
  #owners = new Map();
  #lastQuestion = 0;
  /** @type {Map<number, Question>} */
  #questions = new Map();
  #restartMs = FIRST_RESTART_MS;
  #stopping = false;
  #count = 0;
  /** The number of times that a worker began to listen. */
  #listening = 0;
  #url = '';
  /** @type {((code: number) => void) | undefined} */
  #ended;

  /**
   * @param {import('../log.js').Log} log
   * @param {(url: string) => void} listening called once
   * @param {{ beatMs: number, leaseMs: number }} times between two questions to a worker, and that it may stand still before it is
   *   killed
   */
  constructor(log, listening, { beatMs, leaseMs }) {
    this.#log = log;
    this.#printed = listening;
    this.#beatMs = beatMs;
    this.#standstill = new Standstill({ beatMs, leaseMs });
  }

  /**
   * @param {number} count
   * @returns {Promise<number>} the exit code, once all workers have ended
   */
  run(count) {
    this.#count = count;
    setInterval(() => this.#beat(), this.#beatMs).unref();
    return new Promise((resolve) => {
      this.#ended = resolve;
      cluster.on('exit', (worker, code) => {
        this.#left(worker);
        --this.#running;
        if (this.#listening < this.#count && code !== 0) {
          // If the first worker cannot start (an invalid option, a port in use), none can.
          this.#stopping = true;
          for (const other of Object.values(cluster.workers ?? {})) other?.kill('SIGKILL');
          resolve(code ?? 1);
        } else if (this.#stopping && this.#running === 0) {
          resolve(0);
        }
      });
      for (let place = 1; place <= count; ++place) this.#fork(place);
    });
  }

  #beat() {
    const { still, slow } = this.#standstill.beat();
    for (const { name, ms } of still) {
      const worker = this.#workers.get(name);
      const pid = worker?.process.pid;
      const seconds = Math.round(ms / 100) / 10;
      this.#log.error('a worker stands still, and is replaced', { name, pid, seconds });
      worker?.process.kill('SIGKILL');
    }
    for (const { name, ms } of slow) {
      const pid = this.#workers.get(name)?.process.pid;
      const seconds = Math.round(ms / 100) / 10;
      this.#log.warn('a worker does not answer, since the machine gives it no processor time', {
        ...{ name, pid, seconds },
      });
    }
    for (const worker of this.#workers.values()) tell(worker, { kind: 'beat' });
  }

  drain() {
    this.#stopping = true;
    this.#tellAll({ kind: 'drain' });
    // All workers have ended, and the next ones would start only later.
    if (this.#running === 0) this.#ended?.(0);
  }

  kill() {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.kill('SIGKILL');
    process.exit(1);
  }

  reload() {
    this.#tellAll({ kind: 'reload' });
  }

  /** @param {number} place of the worker, which its successors have too */
  #fork(place) {
    const name = `${place}.${++this.#generation}`;
    const started = performance.now();
    ++this.#running;
    const worker = cluster.fork({ [WORKER_NAME]: name });
    this.#log.info('a worker starts', { name, pid: worker.process.pid });
    worker.on('message', (message, handle) =>
      this.#hear(name, worker, /** @type {FromWorker} */ (message), handle),
    );
    worker.on('error', (error) => this.#log.warn('worker', { name, error: String(error) }));
    worker.on('exit', (code, signal) => {
      if (this.#stopping || this.#listening < this.#count) return;
      this.#log.error('a worker ended', { name, code: code ?? undefined, signal });
      if (performance.now() - started > SETTLED_MS) this.#restartMs = FIRST_RESTART_MS;
      setTimeout(() => {
        if (!this.#stopping) this.#fork(place);
      }, this.#restartMs);
      this.#restartMs = Math.min(2 * this.#restartMs, LONGEST_RESTART_MS);
    });
  }

  /**
   * @param {string} name
   * @param {Worker} worker
   * @param {FromWorker} message
   * @param {any} handle
   */
  #hear(name, worker, message, handle) {
    switch (message.kind) {
      case 'join':
        this.#workers.set(name, worker);
        this.#standstill.add(name, worker.process.pid ?? 0);
        this.#tellMembers();
        break;
      case 'beat':
        this.#standstill.answered(name);
        break;
      case 'listening':
        if (this.#listening++ === 0) this.#url = message.url;
        // It was started just before all workers were told to end, and did not listen yet.
        if (this.#stopping) tell(worker, { kind: 'drain' });
        // Only when all workers listen, so that a viewer who comes now finds each of them.
        if (this.#listening === this.#count) this.#printed(this.#url);
        break;
      case 'claim':
        tell(worker, {
          kind: 'claimed',
          id: message.id,
          owners: message.channels.map((channel) => this.#claim(channel, name)),
        });
        break;
      case 'unclaim':
        for (const channel of message.channels) {
          if (this.#owners.get(channel) === name) this.#owners.delete(channel);
        }
        break;
      case 'post': {
        const to = this.#workers.get(message.to);
        if (to) tell(to, { kind: 'message', from: name, batch: message.batch });
        break;
      }
      case 'handover': {
        const to = this.#workers.get(message.to);
        if (!handle) break;
        stopReading(handle);
        if (to) to.send(message, handle);
        else handle.destroy();
        break;
      }
      case 'metrics':
        this.#askMetrics(worker, message.id);
        break;
      case 'metrics-are':
        this.#metricsAre(message.id, name, message.text);
        break;
    }
  }

  /** @param {string} channel @param {string} name */
  #claim(channel, name) {
    const owner = this.#owners.get(channel);
    if (owner !== undefined && this.#workers.has(owner)) return owner;
    this.#owners.set(channel, name);
    return name;
  }

  /** @param {Worker} worker */
  #left(worker) {
    const name = [...this.#workers].find(([, other]) => other === worker)?.[0];
    if (name === undefined) return;
    this.#workers.delete(name);
    this.#standstill.remove(name);
    for (const [channel, owner] of this.#owners) if (owner === name) this.#owners.delete(channel);
    for (const id of [...this.#questions.keys()]) this.#metricsAre(id, name, '');
    this.#tellMembers();
  }

  #tellMembers() {
    this.#tellAll({ kind: 'members', names: [...this.#workers.keys()] });
  }

  /** @param {FromPrimary} message */
  #tellAll(message) {
    for (const worker of Object.values(cluster.workers ?? {})) if (worker) tell(worker, message);
  }

  /** @param {Worker} asker @param {number} id */
  #askMetrics(asker, id) {
    const number = ++this.#lastQuestion;
    this.#questions.set(number, {
      asker,
      id,
      left: new Set(this.#workers.keys()),
      texts: [],
      timer: setTimeout(() => this.#answerMetrics(number), METRICS_MS),
    });
    for (const worker of this.#workers.values()) tell(worker, { kind: 'tell-metrics', id: number });
  }

  /** @param {number} number @param {string} name @param {string} text */
  #metricsAre(number, name, text) {
    const question = this.#questions.get(number);
    if (!question?.left.delete(name)) return;
    if (text !== '') question.texts.push([name, text]);
    if (question.left.size === 0) this.#answerMetrics(number);
  }

  /** @param {number} number */
  #answerMetrics(number) {
    const question = this.#questions.get(number);
    if (!question) return;
    this.#questions.delete(number);
    clearTimeout(question.timer);
    tell(question.asker, { kind: 'all-metrics', id: question.id, texts: question.texts });
  }
}

/** @param {Worker} worker @param {FromPrimary} message */
function tell(worker, message) {
  if (worker.isConnected()) worker.send(message, undefined, undefined, () => {});
}
