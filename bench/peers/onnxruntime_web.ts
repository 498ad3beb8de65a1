/** onnxruntime-web: its wasm backend on one thread. */

import { env, InferenceSession, Tensor } from 'onnxruntime-web';
import type { LayerData } from '../../src/cli/benchmark/layer_calls.ts';
import { convTransposeModel } from './onnx_model.ts';
import type { Peer } from './peer.ts';

env.wasm.numThreads = 1;
env.logLevel = 'error';

export const ONNXRUNTIME_WEB_VERSION: string = env.versions.web ?? 'unknown';

/** @throws what onnxruntime throws, for one when its memory is full */
export async function openOnnxRuntimeWeb(data: LayerData): Promise<Peer> {
  const session = await InferenceSession.create(convTransposeModel(data), { executionProviders: ['wasm'] });
  return {
    async call() {
      const { y } = await session.run({ x: new Tensor('float32', data.input, data.shapes.input) });
      return y.data as Float32Array;
    },
    release: () => session.release(),
  };
}
