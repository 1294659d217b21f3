'use strict';

async function play() {
  const { Hls, HlsMesh } = /** @type {any} */ (globalThis);
  const { tracker } = await (await fetch('/config.json')).json();
  const video = /** @type {HTMLVideoElement} */ (document.querySelector('video'));
  const output = /** @type {HTMLElement} */ (document.querySelector('output'));
  const hls = new Hls();
  const mesh = HlsMesh.attach(hls, { tracker, iceServers: [] });
  mesh.on('stats', (/** @type {import('../../js/index.js').MeshStats} */ { offload, peers }) => {
    output.textContent = `${Math.round(offload * 100)} % from ${peers} viewers`;
  });
  hls.loadSource('/vod/master.m3u8');
  hls.attachMedia(video);
  await video.play();
  Object.assign(globalThis, { mesh });
}

play();
