#!/usr/bin/env bash
# Vite 8.3.8 (npm; with rolldown 1.2.19) builds `new URL('./x.wasm', import.meta.url)` in a library of format `iife` or `umd` into
# code that throws a TypeError. Vite 7.3.8's output of the same source works.
#
# The file has become a data: URL, but the base remains, and `import.meta` is an empty object in these formats:
#   new URL("data:application/wasm;base64,AGFzbQEAAAA=", "" + {}.url).href
# The base is therefore the string "undefined". The URL Standard parses the base first, even where the URL needs none, so that
# Chromium 156 (Debian's chromium 156.0.8078.114) and Firefox 153 (firefox-esr 153.8.0) throw. The build ends with
# success and a warning of rolldown's, EMPTY_IMPORT_META. Vite 7 puts the address of the script as the base, and warns of nothing.
# Format `es` is right in both, and so is `import address from './x.wasm?url'` in all three.
set -euo pipefail

chromium=${CHROMIUM_PATH:-/usr/bin/chromium}
firefox=${FIREFOX_PATH:-/usr/bin/firefox-esr}
[ -x "$chromium" ] || { echo "Debian's package chromium is missing" >&2; exit 2; }
[ -x "$firefox" ] || { echo "Debian's package firefox-esr is missing" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund puppeteer-core@24.43.1 \
  vite-7@npm:vite@7.3.8 vite-8@npm:vite@8.3.8 rolldown@1.2.19
# The smallest module of WebAssembly: its magic number and its version.
printf '\0asm\1\0\0\0' >x.wasm
echo "globalThis.address = new URL('./x.wasm', import.meta.url).href;" >by-url.js
echo "import address from './x.wasm?url'; globalThis.address = new URL(address, document.baseURI).href;" >by-import.js

cat >build.mjs <<'JS'
import puppeteer from 'puppeteer-core';

const [, , chromium, firefox] = process.argv;
const FORMATS = ['es', 'iife', 'umd'];

const built = [];
for (const name of ['vite-7', 'vite-8']) {
  const { build, createLogger, version } = await import(name);
  for (const entry of ['by-url.js', 'by-import.js']) {
    for (const format of FORMATS) {
      const warnings = [];
      const customLogger = createLogger('warn');
      customLogger.warn = (message) => warnings.push(/[A-Z]+(_[A-Z]+)+/.exec(message)?.[0] ?? message);
      const lib = { entry, formats: [format], name: 'site', fileName: () => 'main.js' };
      const [{ output }] = await build({
        configFile: false,
        logLevel: 'warn',
        customLogger,
        build: { write: false, minify: false, lib },
      });
      const call = /new URL\(.*/.exec(output[0].code)?.[0].slice(0, 100);
      built.push({ version, entry, format, files: output.length, warnings, call, code: output[0].code });
    }
  }
}

for (const [name, executablePath] of [
  ['chrome', chromium],
  ['firefox', firefox],
]) {
  const args = name === 'chrome' && process.getuid() === 0 ? ['--no-sandbox'] : [];
  const browser = await puppeteer.launch({ browser: name, executablePath, headless: true, args });
  console.log(await browser.version());
  const page = await browser.newPage();
  for (const each of built) {
    each[name] = await page.evaluate(
      async (code, type) => {
        delete globalThis.address;
        const src = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
        const script = Object.assign(document.createElement('script'), { src, type });
        let thrown;
        globalThis.onerror = (message, file, line, column, error) => void (thrown = error);
        const ran = new Promise((resolve) => (script.onload = resolve));
        document.head.append(script);
        await ran;
        return thrown ? `${thrown.name}: ${thrown.message}` : globalThis.address;
      },
      each.code,
      each.format === 'es' ? 'module' : 'text/javascript',
    );
  }
  await browser.close();
}
for (const { code, ...each } of built) console.log(JSON.stringify(each));

const DATA = 'data:application/wasm;base64,AGFzbQEAAAA=';
const asDescribed = built.every(({ version, entry, format, files, warnings, call, ...ran }) => {
  const fails = version === '8.3.8' && entry === 'by-url.js' && format !== 'es';
  if (!fails) return files === 1 && warnings.length === 0 && ran.chrome === DATA && ran.firefox === DATA;
  return (
    warnings.join() === 'EMPTY_IMPORT_META' &&
    call === `new URL("${DATA}", "" + {}.url).href;` &&
    ran.chrome.startsWith('TypeError: ') &&
    ran.firefox.startsWith('TypeError: ')
  );
});
process.exit(asDescribed ? 0 : 1);
JS
node build.mjs "$chromium" "$firefox"
