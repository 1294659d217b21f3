/**
 * Every option of the tracker, once: for flags, environment, configuration file and createTracker, and for the help and
 * docs/OPERATING.md.
 */
import { DECLARED } from './option-list.js';

/**
 * @typedef {object} OptionCommon
 * @property {string} name of the flag, without its dashes; also the key in a configuration file
 * @property {string} group
 * @property {string} help
 * @property {string} [argument] name of the value in the help
 * @property {boolean} [secret] never printed; `<name>-file` names a file with its value
 * @property {boolean} [kept] of a secret: its file is read at the start only
 * @property {string} [shownDefault] shown in place of a default that differs between machines
 * @property {boolean} [only] only for the command, not for createTracker
 * @property {keyof import('./index.js').TrackerLimits} [limit] of the engine, which createTracker takes in `limits`
 */

/**
 * @typedef {OptionCommon & (
 *   { type: 'text', default?: string, minBytes?: number } |
 *   { type: 'file', default?: undefined } |
 *   { type: 'whole', default: number, min: number, max: number } |
 *   { type: 'seconds' | 'amount', default: number, min: number, max: number } |
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
      help: `file with the value of --${option.name}; read ${option.kept ? 'at the start' : 'again when it changes'}`,
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
    case 'amount':
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
