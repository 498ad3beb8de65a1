/** Training steps of a generator, forward, backward and Adam, beside PyTorch where it is installed. */

import { interleave, timeOf } from '../../src/cli/benchmark/interleave.ts';
import type { Subject, Timing } from '../../src/cli/benchmark/interleave.ts';
import { randomNumbers } from '../../src/cli/benchmark/random_numbers.ts';
import type { ConvTranspose2d, Tensor } from '../../src/index.ts';
import type { Bench } from '../bench.ts';
import { relativeDifference } from '../checks/agreement.ts';
import { dcganGenerator } from '../decoders/models.ts';
import type { Network } from '../decoders/network.ts';
import { layerSteps, networkFlops, networkInputs, networkParameters } from '../decoders/network.ts';
import { flopsOf, shapesOf, sizeOf } from '../layers.ts';
import type { TrainingResult } from '../results.ts';

const BATCH = 64;
const ADAM = { lr: 2e-4, betas: [0.5, 0.999] as [number, number] };
/** Forward, gradient of the input, gradient of the weight. */
const PRODUCTS = 3;

export async function benchTraining(bench: Bench): Promise<TrainingResult> {
  const network = dcganGenerator(BATCH);
  const steps = layerSteps(network);
  const gradOutput = randomNumbers(sizeOf(shapesOf(steps[steps.length - 1].layer).output), 99);
  const ours = new Generator(bench, network, gradOutput);
  const theirs = bench.libraries.has('PyTorch') ? await openPyTorch(network, gradOutput) : null;
  try {
    const first = ours.step(true);
    const difference = theirs === null ? 0 : Math.max(...differences(await theirs.firstStep(), first));
    const { repetitions } = bench;
    const subjects: Subject[] = [{ name: 'upconv', repetitions, time: () => timeOf(() => void ours.step(false)) }];
    if (theirs !== null) subjects.push({ name: 'PyTorch', repetitions, time: theirs.time });
    const timings = await interleave(subjects, bench.budgetMs);
    return {
      name: `${network.name}: forward, backward, Adam`,
      // The noise needs no gradient.
      flops: PRODUCTS * networkFlops(network) - flopsOf(steps[0].layer),
      upconv: timings.get('upconv') as Timing,
      pytorch: timings.get('PyTorch') ?? null,
      relativeDifference: difference,
    };
  } finally {
    await theirs?.close();
    ours.dispose();
    bench.engine.trim();
  }
}

/** Output and gradients of one step, in the order of the layers. */
type StepResults = readonly Float32Array[];

function differences(results: StepResults, expected: StepResults): number[] {
  return expected.map((numbers, index) => relativeDifference(results[index] ?? [], numbers));
}

class Generator {
  readonly #layers: readonly ConvTranspose2d[];
  readonly #net;
  readonly #adam;
  readonly #input: Tensor;
  readonly #gradOutput: Tensor;

  constructor({ upconv, engine }: Bench, network: Network, gradOutput: Float32Array) {
    const parameters = networkParameters(network);
    this.#layers = layerSteps(network).map(({ layer, output, activation }) => {
      const { cin, cout, kernel, stride, padding } = layer;
      const options = { stride: [...stride], padding: [...padding], bias: false, activation, engine };
      const module = new upconv.ConvTranspose2d(cin, cout, [...kernel], options);
      module.weight.copyFrom((parameters.get(output) as { weight: Float32Array }).weight);
      return module;
    });
    this.#net = new upconv.Sequential(...this.#layers);
    this.#adam = new upconv.Adam(this.#net.parameters(), ADAM);
    const [[name, numbers]] = Object.entries(networkInputs(network));
    this.#input = upconv.tensor(numbers, network.inputs[name], { engine });
    const last = layerSteps(network)[this.#layers.length - 1];
    this.#gradOutput = upconv.tensor(gradOutput, shapesOf(last.layer).output, { engine });
  }

  /** @param read also give the numbers */
  step(read: boolean): StepResults {
    this.#adam.zeroGrad();
    const output = this.#net.forwardSync(this.#input);
    this.#net.backwardSync(this.#gradOutput, { gradInput: false });
    this.#adam.stepSync();
    const tensors = [output, ...this.#layers.map(({ weight }) => weight.grad as Tensor)];
    const results = read ? tensors.map((tensor) => tensor.toTypedArray() as Float32Array) : [];
    output.dispose();
    return results;
  }

  dispose(): void {
    for (const item of [this.#net, this.#adam, this.#input, this.#gradOutput]) item.dispose();
  }
}

interface RemoteGenerator {
  readonly time: () => Promise<number>;
  readonly firstStep: () => Promise<StepResults>;
  readonly close: () => Promise<void>;
}

async function openPyTorch(network: Network, gradOutput: Float32Array<ArrayBuffer>): Promise<RemoteGenerator> {
  const { askPyTorch, readNumbers, writeNumbers } = await import('../peers/pytorch.ts');
  const steps = layerSteps(network);
  const parameters = networkParameters(network);
  for (const [index, { output }] of steps.entries()) {
    writeNumbers(`weight${index}`, (parameters.get(output) as { weight: Float32Array<ArrayBuffer> }).weight);
  }
  const [[name, numbers]] = Object.entries(networkInputs(network));
  writeNumbers('input', numbers);
  writeNumbers('gradOutput', gradOutput);
  const problem = {
    kind: 'generator',
    layers: steps.map(({ layer }) => layer),
    adam: ADAM,
    inputShape: network.inputs[name],
    outputShape: shapesOf(steps[steps.length - 1].layer).output,
  };
  await askPyTorch({ do: 'open', problem });
  const time = async (): Promise<number> => (await askPyTorch({ do: 'time', call: 'step' })) as number;
  return {
    time,
    async firstStep() {
      await time();
      return ((await askPyTorch({ do: 'results', call: 'step' })) as string[]).map(readNumbers);
    },
    close: async () => void (await askPyTorch({ do: 'close' })),
  };
}
