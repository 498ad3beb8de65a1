import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/index.ts';
import { createEngine, tensor } from '../../src/index.ts';
import type { ConvTranspose2dOptions } from '../../src/webnn.ts';
import { convTranspose2d, convTranspose2dSync } from '../../src/webnn.ts';
import { refTensor } from '../reference/tensor.ts';
import { expectWithin } from '../support/expect.ts';
import { disposeOwned, own } from '../support/owned.ts';
import type { PeerTensor, Tolerance } from './load.ts';
import { limitOf } from './load.ts';
import { readVectors } from './read_vectors.ts';

/** A case in WebNN's own options. */
interface WebnnCase {
  readonly name: string;
  readonly input: PeerTensor;
  readonly weight: PeerTensor;
  readonly bias: PeerTensor | null;
  readonly options: ConvTranspose2dOptions;
  readonly activation: 'relu' | 'relu6' | null;
  readonly expected: PeerTensor;
  readonly tolerance: Tolerance;
}

const vectors = await readVectors<WebnnCase[]>('webnn_only');

test('the vectors of WebNN are there', (context) => {
  if (!vectors) context.skip('UPCONV_PEER_VECTORS is not set');
  expect(vectors?.length).toBeGreaterThan(30);
});

describe.runIf(vectors)('upconv/webnn', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });
  afterAll(() => engine.dispose());

  test.each(vectors ?? [])('$name', async (c) => {
    const upload = ({ data, shape }: PeerTensor) => own(tensor(Float32Array.from(data), shape, { engine }));
    const [input, filter] = [upload(c.input), upload(c.weight)];
    const channels = c.expected.shape[c.options.inputLayout === 'nhwc' ? 3 : 1];
    // one polyfill has a single number as the bias of every channel
    const numbers = c.bias?.data.length === 1 ? Array.from({ length: channels }, () => c.bias!.data[0]) : c.bias?.data;
    const options: ConvTranspose2dOptions = {
      ...c.options,
      ...(numbers ? { bias: upload({ data: numbers, shape: [channels] }) } : {}),
      activation: c.activation === 'relu6' ? { clamp: [0, 6] } : (c.activation ?? 'none'),
    };
    const expected = refTensor(c.expected.shape, c.expected.data);
    expectWithin(own(await convTranspose2d(input, filter, options)), expected, limitOf(c.tolerance));
    expectWithin(own(convTranspose2dSync(input, filter, options)), expected, limitOf(c.tolerance));
    disposeOwned();
    expect(engine.memory.tensors).toBe(0);
  });
});
