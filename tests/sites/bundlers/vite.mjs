// `vite.mjs 7|8 app|es|iife`, or `dev|workspace`, which prints the address of the development server.
import { copyFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [version, what] = process.argv.slice(2);
const { build, createServer } = await import(`vite-${version}`);
const root = fileURLToPath(new URL(what === 'workspace' ? 'workspace/site' : '.', import.meta.url));
const common = { root, configFile: false, logLevel: 'warn' };
if (what === 'dev' || what === 'workspace') {
  const server = await createServer({
    ...common,
    server: { host: '127.0.0.1', hmr: false },
    optimizeDeps: what === 'workspace' ? { exclude: ['hlsmesh'] } : {},
  });
  await server.listen();
  console.log(server.resolvedUrls.local[0]);
} else {
  const lib = { entry: 'src/main.js', formats: [what], name: 'site', fileName: () => 'main.js' };
  await build({ ...common, build: what === 'app' ? {} : { lib } });
  // Its scripts know neither their own address nor the file as data.
  if (version === '8' && what === 'iife')
    copyFileSync('node_modules/hlsmesh/dist/hlsmesh.wasm', 'dist/hlsmesh.wasm');
}
