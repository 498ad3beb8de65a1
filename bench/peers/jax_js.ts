/** jax-js: its wasm backend. It inserts zeros and convolves, so only the smallest layers are asked of it. */

import { readFileSync } from 'node:fs';
import { init, defaultDevice, lax, numpy } from '@jax-js/jax';
import type { LayerData } from '../../src/cli/benchmark/layer_calls.ts';
import type { Layer } from '../layers.ts';
import { flopsOf, sizeOf } from '../layers.ts';
import type { Library, Peer } from './peer.ts';
import { peerCall } from './peer.ts';

const LARGEST_FLOPS = 20e6;

await init('wasm');
defaultDevice('wasm');

function openLayer({ layer, shapes, input, weight }: LayerData): Peer {
  const { kernel, stride, padding, outputPadding, dilation, groups } = layer;
  const ones = kernel.map(() => 1);
  const reach = kernel.map((length, axis) => dilation[axis] * (length - 1));
  const pads = reach.map((r, axis): [number, number] => [r - padding[axis], r - padding[axis] + outputPadding[axis]]);
  const upload = (): numpy.Array => numpy.array(input, { shape: [...shapes.input] });
  const residentInput = upload();
  const residentWeight = numpy.array(convolutionWeight(weight, layer.cin, layer.cout, groups, sizeOf(kernel)), {
    shape: [layer.cout, layer.cin / groups, ...kernel],
  });
  // An operation consumes its arguments; `ref` keeps them.
  const forward = (x: numpy.Array): numpy.Array =>
    lax.convGeneralDilated(x, residentWeight.ref, ones, pads, {
      lhsDilation: [...stride],
      rhsDilation: [...dilation],
      featureGroupCount: groups,
    });
  let last: numpy.Array | undefined;
  return {
    calls: {
      endToEnd: peerCall(
        async () => (await forward(upload()).data()) as Float32Array,
        (output) => ({ output }),
      ),
      resident: {
        async time() {
          last?.dispose();
          const started = performance.now();
          last = forward(residentInput.ref);
          await last.blockUntilReady();
          return performance.now() - started;
        },
        results: async () => ({ output: (await (last as numpy.Array).ref.data()) as Float32Array }),
      },
    },
    close() {
      for (const array of [residentInput, residentWeight, last]) array?.dispose();
    },
  };
}

function isTaken(layer: Layer): boolean {
  return layer.kind !== 'conv' && flopsOf(layer) <= LARGEST_FLOPS;
}

/** (in, out/groups, taps) to (out, in/groups, taps backwards): a transposed convolution as a convolution. */
function convolutionWeight(
  weight: Float32Array,
  cin: number,
  cout: number,
  groups: number,
  taps: number,
): Float32Array<ArrayBuffer> {
  const result = new Float32Array(weight.length);
  const [inPerGroup, outPerGroup] = [cin / groups, cout / groups];
  for (let i = 0; i < cin; i++) {
    const group = Math.floor(i / inPerGroup);
    for (let o = 0; o < outPerGroup; o++) {
      const from = (i * outPerGroup + o) * taps;
      const to = ((group * outPerGroup + o) * inPerGroup + (i % inPerGroup)) * taps;
      for (let t = 0; t < taps; t++) result[to + taps - 1 - t] = weight[from + t];
    }
  }
  return result;
}

const manifest = readFileSync(new URL('../node_modules/@jax-js/jax/package.json', import.meta.url), 'utf8');

export const library: Library = {
  version: (JSON.parse(manifest) as { version: string }).version,
  isSlow: true,
  open: async ({ kind, data }) => (kind === 'layer' && isTaken(data.layer) ? openLayer(data) : null),
};
