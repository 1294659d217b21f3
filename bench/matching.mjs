/**
 * Measures how well the tracker matches peers, and the cost of an introduction: `npm run bench:matching`. matching.cpp describes
 * the audience. Everything except the time is the same in every run.
 */
import { compile } from '../scripts/lib/cmake.mjs';
import { UserError, run, runMain } from '../scripts/lib/process.mjs';

await runMain(import.meta, async () => {
  await compile('native', ['bench_matching']);
  const { code, output } = await run('build/native/bench/bench_matching', []);
  if (code !== 0) throw new UserError(`bench_matching failed:\n${output}`);
  console.log(output);
});
