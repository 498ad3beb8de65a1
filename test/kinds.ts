/** Kinds of test files by where they run, as patterns from the root. */

export const LONG: string[] = ['test/**/*.long.test.ts'];
/** Tests that read files, start processes or collect garbage; all others run in browsers, too. */
export const NODE_ONLY: string[] = ['test/{architecture,bench,cli,examples}/**', 'test/**/*.node.test.ts'];
/** Tests that are about pages. */
export const PAGE_ONLY: string[] = ['test/browsers/**'];
/** Tests that need PyTorch at run time: `npm run test:pytorch`. */
export const PYTORCH: string[] = ['test/pytorch/**/*.test.ts'];
/** Tests with installed packages of their own: `npm run test:workers`, `test:runtimes`, `test:tfjs`. */
export const WORKERS: string[] = ['test/workers/**/*.test.ts'];
export const RUNTIMES: string[] = ['test/runtimes/**/*.test.ts'];
export const TFJS: string[] = ['test/tfjs/**/*.test.ts'];
/** The demo page, in Chromium: `npm run test:demo`. */
export const DEMO: string[] = ['demo/**/*.test.ts'];
/** Targets of `npm run fuzz`. */
export const FUZZ: string[] = ['test/fuzz/**/*.fuzz.ts'];
/** About the project 'wide' itself: `npm run test:wide`. */
export const WIDE: string[] = ['test/wide/**/*.test.ts'];
/** All that need what `npm ci` does not install, or another V8. */
export const OWN_COMMAND: string[] = [...PYTORCH, ...WORKERS, ...RUNTIMES, ...TFJS, ...WIDE];
/** What V8 is told holds for a whole process. */
export const OWN_PROCESS: string[] = ['test/engine/wide*.node.test.ts'];
/**
 * Tests of what modules find when they are loaded, and of all workers there are. The others share modules in Node, and with
 * them machine code: a quarter of the time would go to making both once per file.
 */
export const OWN_MODULES: string[] = [
  'test/engine/{init,runtime}.test.ts',
  'test/threading/{workers,worker_death.node}.test.ts',
];
/** Tests of what is built, or of nothing that kernels compute: once is enough. */
export const NOT_WIDE: string[] = [
  'test/{architecture,bench,cli,examples,fuzz,docs,readme,wasm}/**',
  'test/engine/{init,runtime}.test.ts',
  'test/engine/wide*',
  'test/threading/worker_death.node.test.ts', // wants calls that take long
  'test/**/size.node.test.ts',
  'demo/**',
];
/** Tests of loading and of one thread: they run in pages that are not isolated, too. */
export const NOT_ISOLATED: string[] = [
  'test/browsers/pages/**/*.test.ts',
  'test/engine/{init,runtime,interruption,calls_in_flight}.test.ts',
  'test/nn/passes.test.ts',
];
