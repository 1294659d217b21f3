// The globals of the test pages (tests/browser/pages).
declare var hls: any;
declare var mesh: any;
declare var seen: any;
declare var rogue: any;
declare var playRogue: (setup: {
  tracker: string;
  channel: string;
  base: string;
  mode: string;
  level?: number;
}) => void;
declare var connections: RTCPeerConnection[];
/** tests/browser/pages/conformance.js */
declare var conform: (play: object) => Promise<any>;
declare var hold: (play: object) => Promise<void>;
declare var release: (room: string) => Promise<any[]>;
/** tests/browser/pages/soak.js */
declare var census: () => {
  timers: number;
  connections: number;
  kept: number;
  engines: number;
  players: number;
  meshes: number;
  wasmBytes: number;
  videos: number;
};
declare var play: (what: object) => void;
declare var joinTogether: (what: object, count: number) => Promise<number[]>;
declare var comeAndGo: (what: object) => Promise<void>;
declare var player: { hls: any; mesh: any; video: HTMLVideoElement };
/** tests/browser/start.test.mjs */
declare var asked: { url: string; atOnce: boolean }[];
declare var order: string[];
/** The address that hls.js is telling its loader to load (tests/browser/pages/observe.js). */
declare var loadingNow: string;
/** tests/browser/pages/loaders.js */
declare var load: (what: object) => Promise<any>;
declare var loadPart: (what: object) => Promise<any>;
declare var may: (set: string, url: string) => boolean;
