import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ensureStream } from '../../demo/stream.mjs';

test('those who ask for the sample stream at the same time have it made once', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'hlsmesh-stream-'));
  try {
    const runs = path.join(folder, 'runs');
    const ffmpeg = path.join(folder, 'ffmpeg');
    await writeFile(ffmpeg, `#!/bin/sh\necho run >> '${runs}'\nexit 1\n`, { mode: 0o755 });
    const options = { dir: path.join(folder, 'media'), ffmpeg };
    const ask = () => ensureStream(options).then(assert.fail, () => {});
    await Promise.all([ask(), ask()]);
    assert.equal(await readFile(runs, 'utf8'), 'run\n');
    // What has failed is tried again.
    await ask();
    assert.equal(await readFile(runs, 'utf8'), 'run\nrun\n');
  } finally {
    await rm(folder, { recursive: true });
  }
});
