/** Runs every bench, one after the other: `npm run bench`. Figures are ratios within this run, since the machine may be noisy. */
import { print } from './report.mjs';

for (const name of ['engine-receive', 'tracker-relay', 'tracker-load', 'first-frame']) {
  const { run } = await import(`./${name}.mjs`);
  print(await run());
}
