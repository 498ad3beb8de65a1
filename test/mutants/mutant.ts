/** A bug, and the tests that have to find it. */

export interface Mutant {
  readonly bug: string;
  readonly file: string;
  /** Is there once. */
  readonly from: string;
  readonly to: string;
  /** Of the suite, the quickest to find something first. */
  readonly tests: readonly string[];
}

/** What a bug is, in words and in the sources. */
type Change = readonly [bug: string, from: string, to: string];

/** Bugs of one file that the same tests have to find. */
export type Bugs = (file: string, ...changes: readonly Change[]) => Mutant[];

export const foundBy =
  (...tests: readonly string[]): Bugs =>
  (file, ...changes) =>
    changes.map(([bug, from, to]) => ({ bug, file, from, to, tests }));

/** Convolutions in both directions: PyTorch's answers, the definition, adjoints, guards. */
export const ofConvolutions: Bugs = foundBy(
  'test/golden/conv.test.ts',
  'test/golden/conv_transpose.test.ts',
  ...[
    'adjoint',
    'borders',
    'forward_paths',
    'grad_weight_stages',
    'fold',
    'packed_weight',
    'channels_last',
    'non_finite',
  ].map((name) => `test/functional/${name}.test.ts`),
  'test/kernels/foreign_memory.test.ts',
  'test/kernels/geometry.test.ts',
  'test/engine/guards.test.ts',
);
