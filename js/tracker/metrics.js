/**
 * Metrics in the text format of Prometheus (version 0.0.4).
 */

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** @typedef {Record<string, string>} Labels */
/** @typedef {number | [labels: Labels, value: number][]} Sample */

/**
 * @typedef {object} Metric
 * @property {string} name
 * @property {'counter' | 'gauge'} type
 * @property {string} help
 * @property {() => Sample} read
 */

export class Metrics {
  /** @type {Metric[]} */
  #all = [];

  /** @param {string} name @param {string} help @param {() => Sample} read */
  counter(name, help, read) {
    this.#all.push({ name: `${name}_total`, type: 'counter', help, read });
  }

  /** @param {string} name @param {string} help @param {() => Sample} read */
  gauge(name, help, read) {
    this.#all.push({ name, type: 'gauge', help, read });
  }

  /** All metrics with their present values. */
  render() {
    return this.#all.map(renderOne).join('');
  }
}

/** @param {Metric} metric */
function renderOne({ name, type, help, read }) {
  const sample = read();
  /** @type {[Labels, number][]} */
  const samples = typeof sample === 'number' ? [[{}, sample]] : sample;
  const lines = samples.map(([labels, value]) => `${name}${labelText(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

/** @param {Labels} labels */
function labelText(labels) {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length > 0 ? `{${pairs.join(',')}}` : '';
}

/** @param {string} value */
const escaped = (value) =>
  value.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`));
