/** The URL that a bundler makes of `hlsmesh/hlsmesh.wasm` if it emits .wasm files. */
declare const url: string;
export default url;
