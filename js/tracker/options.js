/**
 * Every option of the tracker, once: what flags, environment, configuration file and createTracker may say, and what the help
 * and docs/OPERATING.md list.
 */
import { DECLARED } from './option-list.js';

/**
 * @typedef {object} OptionCommon
 * @property {string} name of the flag, without its dashes; also the key in a configuration file
 * @property {string} group
 * @property {string} help
 * @property {string} [argument] what the help calls the value
 * @property {boolean} [secret] never printed; `<name>-file` names a file that holds it
 * @property {string} [shownDefault] what the help says in place of a default that differs from machine to machine
 * @property {boolean} [only] means something to the command alone, not to createTracker
 * @property {keyof import('./index.js').TrackerLimits} [limit] of the engine, which createTracker takes in `limits`
 */

/**
 * @typedef {OptionCommon & (
 *   { type: 'text', default?: string, minBytes?: number } |
 *   { type: 'file', default?: undefined } |
 *   { type: 'whole', default: number, min: number, max: number } |
 *   { type: 'seconds', default: number, min: number, max: number } |
 *   { type: 'url', default?: undefined, schemes: readonly string[] } |
 *   { type: 'choice', default: string, choices: readonly string[] } |
 *   { type: 'flag', default: boolean } |
 *   { type: 'list', default: readonly string[], item: ListItem }
 * )} TrackerOption
 */

/** @typedef {'network' | 'origin' | 'channel' | 'file'} ListItem */

/** @type {readonly TrackerOption[]} */
export const OPTIONS = Object.freeze(
  DECLARED.flatMap((option) => {
    if (!option.secret) return [option];
    /** @type {TrackerOption} */
    const file = {
      name: `${option.name}-file`,
      group: option.group,
      type: 'file',
      help: `file with the value of --${option.name}; read again when it changes`,
    };
    return [option, file];
  }),
);

/** @param {string} name of a flag */
export const camelCase = (name) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());

/** @param {string} name of a flag */
export const variable = (name) => `HLSMESH_${name.toUpperCase().replaceAll('-', '_')}`;

/** @param {TrackerOption} option */
export function argumentOf(option) {
  switch (option.type) {
    case 'flag':
      return '';
    case 'choice':
      return `<${option.choices.join('|')}>`;
    case 'text':
      return `<${option.argument ?? 'text'}>`;
    case 'list':
      return `<${option.item},…>`;
    case 'whole':
      return '<number>';
    default:
      return `<${option.type}>`;
  }
}

/** @param {TrackerOption} option */
export function defaultText({ default: value, shownDefault }) {
  if (shownDefault !== undefined) return shownDefault;
  if (value === undefined || value === false || (Array.isArray(value) && value.length === 0)) {
    return '';
  }
  return String(value);
}
