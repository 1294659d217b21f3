/**
 * Questions to other nodes, whose answers are joined: figures and lists that only the nodes together know.
 */

// The time that the others have to answer.
const ANSWER_MS = 1000;
const MOST_LISTED = 10_000;

export class Everywhere {
  #engine;
  #others;
  #send;
  #last = 0;
  /** @type {Map<number, { left: Set<string>, answers: any[], done: () => void }>} */
  #open = new Map();

  /**
   * @param {import('../local-engine.js').LocalEngine} engine of this node
   * @param {() => string[]} others returns the other nodes
   * @param {(to: string, entry: import('./links.js').Entry) => void} send
   */
  constructor(engine, others, send) {
    this.#engine = engine;
    this.#others = others;
    this.#send = send;
  }

  /** @param {number} offset @param {number} limit @returns {Promise<string | null>} */
  async channels(offset, limit) {
    const most = Math.min(offset + limit, MOST_LISTED);
    return listOf(await this.#askAll(['channels', 0, most]), offset, limit);
  }

  /** @param {string} channel @param {number} offset @param {number} limit @returns {Promise<string | null>} */
  async topology(channel, offset, limit) {
    const [found] = await this.#askAll(['topology', channel, offset, limit]);
    return found === undefined ? null : JSON.stringify(found);
  }

  async totals() {
    const all = await this.#askAll(['stats']);
    return { stats: sumOf(all), nodes: all.length };
  }

  /** What all nodes recorded: the answers of their recorders. @param {any[]} question @returns {Promise<any[]>} */
  recorded(question) {
    return this.#askAll(['recorded', ...question]);
  }

  /** Returns what this node recorded. @type {(question: any[]) => any} */
  answer = () => null;

  /** @param {any[]} question @returns {Promise<any>} null: nothing is known here */
  async #own([what, ...args]) {
    if (what === 'stats') return this.#engine.stats();
    if (what === 'recorded') return this.answer(args);
    const [first, second, third] = args;
    let json = null;
    if (what === 'channels') json = await this.#engine.channels(Number(first), Number(second));
    if (what === 'topology') {
      json = await this.#engine.topology(String(first), Number(second), Number(third));
    }
    return json === null ? null : JSON.parse(json);
  }

  /** @param {any[]} question @returns {Promise<any[]>} without the answers of those that know nothing */
  async #askAll(question) {
    const others = this.#ask(this.#others(), question);
    const answers = [await this.#own(question), ...(await others)];
    return answers.filter((answer) => answer !== null);
  }

  /** @param {string[]} nodes @param {any[]} question @returns {Promise<any[]>} the answers that came in time */
  #ask(nodes, question) {
    if (nodes.length === 0) return Promise.resolve([]);
    return new Promise((resolve) => {
      const id = ++this.#last;
      /** @type {any[]} */
      const answers = [];
      const done = () => {
        clearTimeout(timer);
        this.#open.delete(id);
        resolve(answers);
      };
      const timer = setTimeout(done, ANSWER_MS);
      this.#open.set(id, { left: new Set(nodes), answers, done });
      for (const node of nodes) this.#send(node, ['ask', id, ...question]);
    });
  }

  /**
   * @param {string} from
   * @param {string} kind
   * @param {number} id
   * @param {any[]} rest
   * @returns {boolean} true if the entry was a question or an answer
   */
  heard(from, kind, id, rest) {
    if (kind === 'ask') {
      void this.#own(rest).then((answer) => this.#send(from, ['told', id, answer]));
    } else if (kind === 'told') {
      this.#told(from, id, rest[0]);
    } else {
      return false;
    }
    return true;
  }

  /** @param {string} from @param {number} id @param {any} answer */
  #told(from, id, answer) {
    const question = this.#open.get(id);
    if (!question?.left.delete(from)) return;
    question.answers.push(answer);
    if (question.left.size === 0) question.done();
  }

  stop() {
    for (const { done } of this.#open.values()) done();
  }
}

/** @param {any[]} all records of numbers */
function sumOf(all) {
  /** @type {Record<string, number>} */
  const sums = {};
  for (const record of all) {
    for (const [name, value] of Object.entries(record)) {
      sums[name] = (sums[name] ?? 0) + Number(value);
    }
  }
  return /** @type {import('../engine.js').EngineStats} */ (sums);
}

/**
 * @param {any[]} lists of channels, as the engine writes them, from the first one on
 * @param {number} offset
 * @param {number} limit
 * @returns {string | null} one list as JSON; null if there is none
 */
function listOf(lists, offset, limit) {
  if (lists.length === 0) return null;
  const all = lists.flatMap(({ channels }) => channels);
  all.sort((a, b) => (a.id < b.id ? -1 : Number(a.id > b.id)));
  const total = lists.reduce((sum, list) => sum + list.total, 0);
  /** @type {Map<string, number>} */
  const split = new Map();
  for (const { parameter, families } of lists.flatMap((list) => list.split_by)) {
    split.set(parameter, (split.get(parameter) ?? 0) + families);
  }
  const split_by = [...split].map(([parameter, families]) => ({ parameter, families }));
  const channels = all.slice(offset, offset + limit);
  return JSON.stringify({ total, offset, channels, split_by });
}
