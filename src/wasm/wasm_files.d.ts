/** Imported by modules.workerd.ts: bundlers for Workers compile them. */
declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
