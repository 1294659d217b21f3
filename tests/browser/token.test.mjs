import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignJWT } from 'jose';
import { createTracker } from 'hlsmesh/tracker';
import { withStage } from './stage.mjs';

const SECRET = 'a secret that only the site and its tracker know';

/** For how long the tracker still lets a token in that has run out (js/tracker/admission.js), because clocks differ. */
const TOLERANCE_SECONDS = 5;

/** The time that is left when a token is given: little, so that it is renewed during the test. */
const TOKEN_SECONDS = 8;

const PAGE = `<!doctype html>
<meta charset="utf-8" />
<title>For members</title>
<link rel="icon" href="data:," />
<video id="video" muted playsinline></video>
<script src="/vendor/hls.min.js"></script>
<script src="/dist/hlsmesh.js"></script>
<script src="/pages/observe.js"></script>
<script>
  watch(Hls, HlsMesh, { token: async () => (await fetch('/members/token')).text() });
</script>
`;

let given = 0;

/** @type {import('../../demo/origin.mjs').Handler} */
const members = async (req, res) => {
  if (!req.url?.startsWith('/members/token')) {
    res.setHeader('Content-Type', 'text/html');
    res.end(PAGE);
    return;
  }
  given++;
  const token = new SignJWT({ channel: `http://${req.headers.host}/vod/master.m3u8` })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime(Math.floor(Date.now() / 1000) + TOKEN_SECONDS - TOLERANCE_SECONDS);
  res.end(await token.sign(new TextEncoder().encode(SECRET)));
};

test('who has a token is admitted and stays past its end; who has none plays from the CDN', async () => {
  const tracker = await createTracker({ port: 0, tokenSecret: SECRET });
  try {
    await withStage(
      async (stage) => {
        const inside = { page: '/members/', tracker: tracker.url };
        const one = await stage.viewer({ name: 'one', ...inside });
        await one.plays(1);
        const two = await stage.viewer({ name: 'two', ...inside });
        const stranger = await stage.viewer({ name: 'stranger', tracker: tracker.url });
        await stranger.waitForEvent('tracker', { state: 'rejected' });
        await stranger.waitForEvent('warning', { code: 'tracker-rejected' });
        await two.waitForEvent('segment', { source: 'peer' });
        await Promise.all([one, two, stranger].map((viewer) => viewer.plays(2 * TOKEN_SECONDS)));

        assert.ok(given >= 4, `${given} tokens were asked for`);
        for (const viewer of [one, two]) {
          const { events } = await viewer.seen();
          const states = events
            .filter((/** @type {any} */ { name }) => name === 'tracker')
            .map((/** @type {any} */ { state }) => state);
          assert.deepEqual(states, ['connected'], `${viewer.name} left the tracker`);
        }
        const { cdnBytes, p2pBytes, peers } = await stranger.stats();
        assert.ok(cdnBytes > 0);
        assert.deepEqual([p2pBytes, peers], [0, 0]);
        assert.deepEqual((await stranger.seen()).stalls, []);
      },
      { '/members/': members },
    );
  } finally {
    await tracker.close();
  }
});
