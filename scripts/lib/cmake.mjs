/** Configures and builds the C++ by the presets of CMakePresets.json. */

import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, UserError, findCommand, lastLines, run } from './process.mjs';

/**
 * Configures a preset if necessary; Ninja itself notices changed CMake files.
 * @param {string} preset
 */
export async function configure(preset) {
  const folder = join(ROOT, 'build', preset);
  const stamp = join(folder, 'compiler.txt');
  const compiler = preset === 'wasm' ? (findCommand('emcc') ?? '') : preset;
  const presets = join(ROOT, 'CMakePresets.json');
  // A build tree is bound to its compiler: another Emscripten on the PATH needs a new one.
  const sameCompiler = existsSync(stamp) && readFileSync(stamp, 'utf8') === compiler;
  if (sameCompiler && statSync(stamp).mtimeMs > statSync(presets).mtimeMs) return;
  if (!sameCompiler) rmSync(folder, { recursive: true, force: true });
  const log = `configure-${preset}.log`;
  const { code, output } = await run('cmake', ['--preset', preset], { log });
  if (code !== 0) {
    throw new UserError(`cmake --preset ${preset} failed:\n\n${lastLines(output, 30)}`);
  }
  writeFileSync(stamp, compiler);
}

/**
 * @param {string} preset
 * @param {string[]} targets none: all
 */
export async function compile(preset, targets = []) {
  await configure(preset);
  const args = ['--build', join('build', preset), ...targets.flatMap((name) => ['--target', name])];
  const { code, output } = await run('cmake', args, {
    log: `build-${preset}.log`,
    // Ninja's progress, a line for every twentieth step, which shows that it is alive.
    echo: (line) => {
      const step = /^\[(\d+)\/(\d+)\]/.exec(line);
      return step && Number(step[1]) % 20 === 0 && step[1] !== '0' ? `  ${step[0]}` : null;
    },
  });
  if (code !== 0) {
    throw new UserError(`building ${preset} failed:\n\n${lastLines(output, 60)}`);
  }
}
