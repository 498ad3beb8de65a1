/** What onnxruntime's packages for JavaScript have in common. */

import type { InferenceSession, Tensor } from 'onnxruntime-web';
import type { LayerData } from '../../src/cli/benchmark/layer_calls.ts';
import { endToEndModel, residentModel } from './layer_models.ts';
import type { GraphData, Peer, PeerCall, Problem } from './peer.ts';
import { peerCall } from './peer.ts';

export interface OnnxRuntime {
  readonly InferenceSession: {
    readonly create: (model: Uint8Array, options: InferenceSession.SessionOptions) => Promise<InferenceSession>;
  };
  readonly Tensor: typeof Tensor;
}

type Options = InferenceSession.SessionOptions;

/** @throws what onnxruntime throws, for one when its memory is full */
export function openProblem(runtime: OnnxRuntime, options: Options, { kind, data }: Problem): Promise<Peer> {
  return kind === 'layer' ? openLayer(runtime, options, data) : openGraph(runtime, options, data);
}

async function openGraph(
  { InferenceSession, Tensor }: OnnxRuntime,
  options: Options,
  { model, inputs, output }: GraphData,
): Promise<Peer> {
  const session = await InferenceSession.create(model, options);
  const endToEnd = peerCall(
    async () => {
      const feeds = Object.entries(inputs).map(([name, { shape, data }]) => [name, new Tensor('float32', data, shape)]);
      return (await session.run(Object.fromEntries(feeds) as Record<string, Tensor>))[output].data as Float32Array;
    },
    (numbers) => ({ output: numbers }),
  );
  return { calls: { endToEnd }, close: () => session.release() };
}

async function openLayer({ InferenceSession, Tensor }: OnnxRuntime, options: Options, data: LayerData): Promise<Peer> {
  const sessions = [
    await InferenceSession.create(endToEndModel(data), options),
    await InferenceSession.create(residentModel(data), options),
  ];
  const [whole, resident] = sessions;
  const { input, output } = data.shapes;
  const corner = (at: readonly number[]): Tensor =>
    new Tensor('int64', BigInt64Array.from(at, BigInt), [output.length]);
  const first = corner(output.map(() => 1));
  const part = async (ends: Tensor): Promise<Float32Array> =>
    (await resident.run({ ends }))['part'].data as Float32Array;
  const calls: Record<'endToEnd' | 'resident', PeerCall> = {
    endToEnd: peerCall(
      async () => (await whole.run({ x: new Tensor('float32', data.input, input) }))['y'].data as Float32Array,
      (numbers) => ({ output: numbers }),
    ),
    // The same call again, with all that it computes: the timed one keeps a single element.
    resident: peerCall(
      () => part(first),
      async () => ({ output: await part(corner(output)) }),
    ),
  };
  return {
    calls,
    async close() {
      for (const session of sessions) await session.release();
    },
  };
}
