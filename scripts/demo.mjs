/**
 * `npm run demo [-- --port 8080 --host 127.0.0.1 --no-open]`: sets up, builds, makes the sample stream, serves page, origin and
 * tracker, and opens a browser if there is one.
 */

import { parseArgs } from 'node:util';
import { UserError, runMain } from './lib/process.mjs';
import { build } from './build.mjs';
import { setup } from './setup.mjs';

const OPTIONS = /** @type {const} */ ({
  host: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '8080' },
  'no-open': { type: 'boolean', default: false },
});

function readArguments() {
  try {
    const { values } = parseArgs({ options: OPTIONS });
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error('no such port');
    return { host: values.host ?? '127.0.0.1', port, open: !values['no-open'] };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`${reason}
usage: npm run demo -- [--host <address>] [--port <number>] [--no-open]`);
  }
}

await runMain(import.meta, async () => {
  const { host, port, open } = readArguments();
  await setup('demo');
  console.log('Building (the first time takes a minute or two) ...');
  await build();
  // Not a static import: it needs the npm packages and the build.
  const { serve } = await import('../demo/serve.mjs');
  await serve({ host, port, browser: open });
});
