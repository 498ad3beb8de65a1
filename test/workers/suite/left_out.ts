/** What of the repository's tests does not run in Workers, and why. */

/** Files, beside those that run in Node alone or by a command of their own. */
export const FILES_LEFT_OUT: readonly RegExp[] = [
  // they need files or threads
  /^test\/(peers|threading)\//,
  // they read sources, or compile bytes
  /^test\/(golden\/completeness|memory\/params|readme\/example|wasm\/variants)\.test\.ts$/,
  // for a while nothing but kernels, which the same V8 runs in Node
  /^test\/functional\/(borders|forward_paths|non_finite)\.test\.ts$/,
  // they stop in the middle of a call: in Workers it has run when it returns its promise
  /^test\/engine\/(calls_in_flight|every_turn|interruption|overlap)\.test\.ts$/,
];

const PENDING = 'stops in the middle of a call';
const COMPILES = 'compiles bytes, or loads a variant with threads';
const REFUSED = ['init', 'createEngine', 'createEngineSync'].flatMap((name) =>
  ['of', 'with'].map((how) => [`${name} > refuses a module ${how}`, COMPILES]),
);

/** Tests of other files, by the beginnings of their names, and why they are left out. */
export const TESTS_LEFT_OUT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'test/core/disposable.test.ts': { 'without Symbol.dispose': 'imports a file a second time' },
  'test/engine/call_order.test.ts': { 'a queued backward writes gradients': PENDING },
  'test/engine/init.test.ts': {
    'init > after a failure it starts afresh': COMPILES,
    'createEngineSync > needs one here': 'is about other runtimes',
  },
  'test/engine/runtime.test.ts': {
    'ERR_UNSUPPORTED > where wasm may not be compiled': COMPILES,
    'yieldEveryMs is 8': 'calls do not yield',
  },
  'test/engine/sharing.test.ts': {
    'a foreign memory > dispose gives everything back, calls in flight included': PENDING,
    'debug > leaks name where living tensors were made': 'looks for the name of its file in a stack',
  },
  'test/functional/half.test.ts': { 'a later call reads what an earlier one writes': PENDING },
  'test/functional/normalization_errors.test.ts': { 'statistics in training are written in call order': PENDING },
  'test/functional/packed_weight.test.ts': { 'a packed weight > dispose in flight': PENDING },
  'test/functional/pixels.test.ts': { 'toPixels > what a pending call writes': PENDING },
  'test/kernels/plan.test.ts': { 'a shared memory with a threaded variant': COMPILES },
  'test/kernels/spec.test.ts': {
    'createKernels and loadVariant > a memory that is shared or not': COMPILES,
    'createKernels and loadVariant > other things': COMPILES,
  },
  'test/nn/norm_module.test.ts': { 'Promise passes of one module count batches in call order': PENDING },
  'test/nn/optimizer_state.test.ts': { 'not while a step is pending': PENDING },
  'test/nn/passes.test.ts': {
    'vjp > disposed while its backward runs': PENDING,
    'forward > a Promise forward replaces the pending one when it has settled': PENDING,
    'forward > aborted between slices': PENDING,
    'forward > one that fails takes the backward that waits for it along': PENDING,
    'an aborted backward': PENDING,
    'a backward that fails half-way > memory that runs out': 'backward takes new gradients back, as its Sync twin does',
  },
  'test/nn/upscale_options.test.ts': { 'options > a weight of a pending call': PENDING },
  'test/wasm/given_module.test.ts': Object.fromEntries(REFUSED) as Record<string, string>,
};
