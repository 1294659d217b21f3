/** What a bundler makes of `hlsmesh/hlsmesh.wasm` when it is told to emit .wasm files and import their URLs. */
declare const url: string;
export default url;
