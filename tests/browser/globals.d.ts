// What the test pages put on their global object (tests/browser/pages).
declare var hls: any;
declare var mesh: any;
declare var seen: any;
declare var rogue: any;
declare var playRogue: (setup: {
  tracker: string;
  channel: string;
  base: string;
  mode: string;
}) => void;
declare var connections: RTCPeerConnection[];
/** tests/browser/pages/conformance.js */
declare var conform: (play: object) => Promise<any>;
declare var hold: (play: object) => Promise<void>;
declare var release: (room: string) => Promise<any[]>;
