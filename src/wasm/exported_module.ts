/** The type of `upconv/wasm/*.wasm`, where a bundler makes modules of such imports, as those for Workers do. */

declare const module: WebAssembly.Module;
// oxlint-disable-next-line import/no-default-export -- that is how such imports look
export default module;
