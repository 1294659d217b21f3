import { cp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PAGES } from '../browser/stage.mjs';

/**
 * Writes the page of a site that was built without one, and what observes it.
 * @param {string} dir of the site
 * @param {string} scripts the elements that load it
 */
export async function addPage(dir, scripts) {
  await cp(path.join(PAGES, 'observe.js'), path.join(dir, 'observe.js'));
  await writeFile(
    path.join(dir, 'index.html'),
    `<!doctype html>
<meta charset="utf-8" />
<title>A site</title>
<link rel="icon" href="data:," />
<video id="video" muted playsinline width="426" height="240"></video>
<script src="/observe.js"></script>
${scripts}
`,
  );
}
