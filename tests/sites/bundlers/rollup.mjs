// `rollup.mjs rollup|rolldown`
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import nodeResolve from '@rollup/plugin-node-resolve';

const { rollup, rolldown } = await import(process.argv[2]);
const wasm = createRequire(import.meta.url).resolve('hlsmesh/hlsmesh.wasm');
const hlsmeshWasm = {
  name: 'hlsmesh-wasm',
  generateBundle() {
    this.emitFile({ type: 'asset', fileName: 'hlsmesh.wasm', source: readFileSync(wasm) });
  },
};
const bundle = await (rolldown ?? rollup)({
  input: 'src/main.js',
  ...(rolldown && { platform: 'browser' }),
  plugins: [...(rolldown ? [] : [nodeResolve({ browser: true })]), hlsmeshWasm],
});
await bundle.write({ dir: 'dist', format: 'es' });
