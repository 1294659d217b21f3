// Every folder with an index.html is a page.
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import vue from '@vitejs/plugin-vue';
import { build } from 'vite';

const pages = readdirSync('.').filter((name) => existsSync(`${name}/index.html`));
await build({
  configFile: false,
  logLevel: 'warn',
  plugins: [vue(), svelte({ configFile: false })],
  resolve: {
    alias: [
      {
        find: /^hlsmesh$/,
        replacement: fileURLToPath(new URL('observed.js', import.meta.url)),
      },
    ],
  },
  build: {
    rollupOptions: { input: Object.fromEntries(pages.map((name) => [name, `${name}/index.html`])) },
  },
});
