import { describe, expect, test } from 'vitest';
import { convTransposeBackwardReference, convTransposeReference } from '../reference/conv_transpose.ts';
import type { Sums } from '../reference/tensor.ts';
import { refTensor } from '../reference/tensor.ts';
import { expectWithin } from '../support/expect.ts';
import type { NumericCase, PeerTensor, Tolerance } from './load.ts';
import { gradientSets, limitOf, loadPeerVectors, optionsOf, valuesOf } from './load.ts';

// The reference judges the package, so the peers judge the reference.
const vectors = await loadPeerVectors();

test('the peers vectors are named by UPCONV_PEER_VECTORS', (context) => {
  if (!vectors) context.skip('UPCONV_PEER_VECTORS is not set');
  expect(vectors?.numeric.length).toBeGreaterThan(0);
});

describe.runIf(vectors)('reference', () => {
  test.each(vectors?.numeric ?? [])('$name', (c) => {
    const [input, weight] = [referenceOf(c, c.input), referenceOf(c, c.weight)];
    const bias = c.bias && referenceOf(c, c.bias);
    const options = optionsOf(c);
    expectClose(convTransposeReference(input, weight, bias, options), c.expected, c.tolerance);
    for (const set of gradientSets(c)) {
      const gradients = convTransposeBackwardReference(referenceOf(c, set.gradOutput), input, weight, options);
      expectClose(gradients.gradInput, set.gradInput, set.tolerance.gradInput);
      expectClose(gradients.gradWeight, set.gradWeight, set.tolerance.gradWeight);
      if (set.gradBias && set.tolerance.gradBias) {
        expectClose(gradients.gradBias, set.gradBias, set.tolerance.gradBias);
      }
    }
  });
});

const referenceOf = (c: NumericCase, peer: PeerTensor) => refTensor(peer.shape, valuesOf(c, peer));

function expectClose(sums: Sums, expected: PeerTensor, tolerance: Tolerance): void {
  expectWithin({ shape: sums.shape, values: sums.data }, refTensor(expected.shape, expected.data), limitOf(tolerance));
}
