/** Whole decoders, numbers in and numbers out, beside onnxruntime-web with the same graph. */

import { interleave, timeOf } from '../../src/cli/benchmark/interleave.ts';
import type { Timing } from '../../src/cli/benchmark/interleave.ts';
import type { Bench } from '../bench.ts';
import { relativeDifference } from '../checks/agreement.ts';
import { dcganGenerator, hifiganGenerator, unetDecoder } from '../decoders/models.ts';
import type { Network } from '../decoders/network.ts';
import { networkFlops, networkInputs, networkParameters } from '../decoders/network.ts';
import { UpconvNetwork } from '../decoders/upconv_network.ts';
import type { Library, Peer, PeerCall } from '../peers/peer.ts';
import type { DecoderResult } from '../results.ts';

const BATCH = 64;
export const DECODERS: readonly (() => Network)[] = [() => dcganGenerator(BATCH), hifiganGenerator, unetDecoder];

/**
 * @param peer takes graphs
 * @throws when it fails
 */
export async function benchDecoder(network: Network, peer: Library, bench: Bench): Promise<DecoderResult> {
  // Its encoder is installed with the peers.
  const { networkModel } = await import('../decoders/onnx_graph.ts');
  const parameters = networkParameters(network);
  const inputs = networkInputs(network);
  const ours = new UpconvNetwork(bench.upconv, bench.engine, network, parameters);
  const feeds = Object.entries(inputs).map(([name, data]) => [name, { shape: network.inputs[name], data }] as const);
  const graph = {
    model: networkModel(network, parameters),
    inputs: Object.fromEntries(feeds),
    output: network.output,
  };
  const theirs = (await peer.open({ kind: 'graph', data: graph })) as Peer;
  try {
    const { time, results } = theirs.calls.endToEnd as PeerCall;
    let output = new Float32Array();
    const timings = await interleave(
      [
        { name: 'upconv', repetitions: bench.repetitions, time: () => timeOf(() => void (output = ours.run(inputs))) },
        // All of them are large.
        { name: 'peer', repetitions: 1, time },
      ],
      bench.budgetMs,
    );
    const expected = (await results()).output ?? [];
    return {
      name: network.name,
      source: network.source,
      flops: networkFlops(network),
      upconv: timings.get('upconv') as Timing,
      peer: timings.get('peer') as Timing,
      relativeDifference: relativeDifference(output, expected),
    };
  } finally {
    await theirs.close();
    ours.dispose();
    bench.engine.trim();
  }
}
