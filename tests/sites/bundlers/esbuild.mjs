import { copyFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { build } from 'esbuild';

const format = process.argv[2];
await build({ entryPoints: ['src/main.js'], bundle: true, minify: true, format, outdir: 'dist' });
copyFileSync(createRequire(import.meta.url).resolve('hlsmesh/hlsmesh.wasm'), 'dist/hlsmesh.wasm');
