/**
 * The text that `hlsmesh-tracker --help` prints.
 */
import { OPTIONS, argumentOf, defaultText } from './options.js';

const WIDTH = 80;
const INDENT = '      ';

/** @param {string} text */
function wrapped(text) {
  let line = INDENT;
  const lines = [];
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > WIDTH && line !== INDENT) {
      lines.push(line);
      line = INDENT;
    }
    line += line === INDENT ? word : ` ${word}`;
  }
  return [...lines, line].join('\n');
}

/** @param {string} flag @param {string} text */
const entry = (flag, text) => `  ${flag}\n${wrapped(text)}`;

export function helpText() {
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  for (const option of OPTIONS) {
    const initially = defaultText(option);
    const entries = groups.get(option.group) ?? [];
    entries.push(
      entry(
        `--${option.name} ${argumentOf(option)}`.trimEnd(),
        initially === '' ? option.help : `${option.help} (default ${initially})`,
      ),
    );
    groups.set(option.group, entries);
  }
  const listed = [...groups].map(([group, entries]) => `${group}:\n${entries.join('\n')}\n`);
  return `Usage: npx -p hlsmesh hlsmesh-tracker [options]

Introduces the viewers of a stream to each other and relays their signalling.
Once it listens it prints the URL that players are given as their tracker.

Every option may also be given by the environment (--max-connections as
HLSMESH_MAX_CONNECTIONS) and in a configuration file. A flag goes before the
environment, the environment before the file.

${listed.join('\n')}
The command itself:
${entry('--config <file>', 'a JSON object with options under their names, without dashes in front')}
${entry('--print-config', 'print the configuration as it would be used, secrets masked, and end')}
${entry('--check-config', 'read all files that the options name, print what is odd, and end: 0 if nothing is wrong')}
${entry('--check', 'ask the tracker that runs here with these options for its health: 0 is well')}
${entry('--help, -h', 'print this')}
${entry('--version', 'print the version')}

Over HTTP, on the same port: /healthz, /readyz, /metrics; with --dashboard
/dashboard; and with that or --api-token /api/…, which /api/openapi.json
describes.

SIGTERM and SIGINT send viewers elsewhere and end; a second one ends at once.
SIGHUP reads certificates, keys, secrets and databases again.
`;
}
