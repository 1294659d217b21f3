import { fileURLToPath } from 'node:url';

/** @type {Promise<Buffer> | undefined} */
let bundled;

/**
 * Vidstack's player as one module, without its layouts: those of the package's own bundle fetch their icons from a CDN.
 * @returns {Promise<Buffer>} made once
 */
export function vidstack() {
  bundled ??= bundle();
  return bundled;
}

async function bundle() {
  // Not a static import: only this player needs it.
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    stdin: {
      contents: "import 'vidstack/player';",
      resolveDir: fileURLToPath(new URL('..', import.meta.url)),
    },
    ...{ bundle: true, format: 'esm', minify: true, write: false, logLevel: 'silent' },
    conditions: ['production'],
  });
  return Buffer.from(outputFiles[0].contents);
}
