/** A Worker with the built package, whose requests share an engine and a layer as those of an application do. */

import { ConvTranspose2d, createEngineSync, init, mseLoss, rand, SGD, tensor, upscaleImageSync, zeros } from 'upconv';
import type { EngineMemory, Tensor, UpconvError } from 'upconv';
import { createKernels, loadVariant } from 'upconv/kernels';
import relaxedThreads from 'upconv/wasm/relaxed-threads.wasm';

const OPTIONS = { stride: 2, padding: 1 };

/** Made when the Worker starts, before any request. */
const engine = createEngineSync();
const layer = new ConvTranspose2d(16, 16, 4, { ...OPTIONS, engine }).eval();
let defaultLayer: ConvTranspose2d | null = null;
let shared: Promise<number> | null = null;

async function later(): Promise<number> {
  await scheduler.wait(50);
  return 1;
}

/** What no package may do here: a request waits for what another one has begun. */
async function waitForAnother(): Promise<Response> {
  shared ??= later();
  return Response.json(await shared);
}

/** Everything is made by the first request; there is time to abort it between any two steps. */
async function cold(): Promise<Response> {
  const made = init();
  await scheduler.wait(50);
  const engine = await made;
  defaultLayer ??= new ConvTranspose2d(16, 16, 4, { ...OPTIONS, engine });
  const prepared = defaultLayer.prepare([1, 16, 8, 8]);
  await scheduler.wait(50);
  await prepared;
  const output = defaultLayer.forward(zeros([1, 16, 8, 8]));
  await scheduler.wait(50);
  return Response.json((await output).shape);
}

/** An ordinary request: what it computes with is freed before it waits for anything else. */
async function work(): Promise<Response> {
  const input = rand([1, 16, 24, 24], { engine });
  const output = await layer.forward(input);
  const { shape } = output;
  input.dispose();
  output.dispose();
  await scheduler.wait(1);
  return Response.json(shape);
}

/** Takes tensors until there is no room. */
function fill(): Response {
  const taken: Tensor[] = [];
  try {
    for (;;) taken.push(zeros([2 ** 20], { engine }));
  } catch (error) {
    const { name, code, message } = error as UpconvError;
    const { maximumBytes, bytesReserved } = engine.memory;
    return Response.json({ name, code, message, taken: taken.length, maximumBytes, bytesReserved });
  } finally {
    for (const each of taken) each.dispose();
  }
}

/** A training step, without waiting for anything: each call has done its work when it returns its promise. */
function train(): Response {
  const model = new ConvTranspose2d(2, 2, 2, { stride: 2, engine });
  const before = model.weight.toTypedArray();
  const optimizer = new SGD(model.parameters(), { lr: 0.1 });
  const input = rand([1, 2, 4, 4], { engine });
  const target = zeros([1, 2, 8, 8], { engine });
  const settled: string[] = [];
  const note = (name: string) => (): void => void settled.push(name);
  void model.forward(input).then(note('forward'));
  const gradOutput = rand(target.shape, { engine });
  void model.backward(gradOutput).then(note('backward'));
  const { grad } = model.weight;
  const gradient = grad?.toTypedArray();
  void optimizer.step().then(note('step'));
  void mseLoss(target, target).then(note('loss'));
  const after = model.weight.toTypedArray();
  const moved = after.every((value, i) => Math.abs(before[i] - 0.1 * (gradient?.[i] ?? 0) - value) < 1e-6);
  const count = settled.length; // nothing could be noted yet
  model.dispose();
  for (const each of [input, target, gradOutput]) each.dispose();
  return Response.json({ moved, nonZero: gradient?.some((value) => value !== 0), count });
}

/** Everything that looks at a clock, while none moves. */
async function standStill(): Promise<Response> {
  Object.assign(performance, { now: () => 0 }); // hides the method of the prototype
  try {
    const own = createEngineSync();
    const model = new ConvTranspose2d(16, 8, 4, { ...OPTIONS, engine: own }).eval();
    await model.prepare([1, 16, 32, 32]);
    const output = await model.forward(
      tensor(new Float32Array(16 * 32 * 32).fill(1), [1, 16, 32, 32], { engine: own }),
    );
    const { shape } = output;
    own.dispose();
    return Response.json({ still: performance.now() === 0, shape });
  } finally {
    Reflect.deleteProperty(performance, 'now');
  }
}

/** Memory of a layer of a decoder: applied, packed weights included, and then trained. */
function typical(): Response {
  const own = createEngineSync();
  const model = new ConvTranspose2d(128, 64, 4, { ...OPTIONS, engine: own }).eval();
  const input = rand([1, 128, 32, 32], { engine: own });
  const output = model.forwardSync(input);
  const applied = own.memory;
  output.dispose();
  const gradOutput = rand(model.train().forwardSync(input).shape, { engine: own });
  const { shape } = model.backwardSync(gradOutput);
  const trained = own.memory;
  own.dispose();
  return Response.json({ shape, applied, trained });
}

export interface PictureReport {
  readonly width: number;
  readonly height: number;
  readonly memory: EngineMemory;
  /** Before and after; JavaScript holds them. */
  readonly bytesOfPixels: number;
}

/** Memory of a picture that is enlarged. */
function picture(): Response {
  const own = createEngineSync();
  const model = new ConvTranspose2d(3, 3, 4, { ...OPTIONS, engine: own }).eval();
  const pixels = { data: new Uint8ClampedArray(4 * 768 * 768), width: 768, height: 768 };
  const { width, height, data } = upscaleImageSync(model, pixels);
  const { memory } = own;
  own.dispose();
  const bytesOfPixels = pixels.data.byteLength + data.byteLength;
  return Response.json({ width, height, memory, bytesOfPixels } satisfies PictureReport);
}

/** The kernels alone, and a module that the application has imported itself. */
async function kernels(): Promise<Response> {
  const { kernelSet } = createKernels(await loadVariant('auto'), new WebAssembly.Memory({ initial: 1 }));
  const code = await loadVariant('relaxed-threads').catch((error: unknown) => (error as UpconvError).code);
  const shared = createEngineSync({ wasm: relaxedThreads });
  const { variant, threads } = shared.info;
  const sum = tensor([1, 2, 3], [3], { engine: shared }).toTypedArray();
  shared.dispose();
  return Response.json({ kernelSet, code, variant, threads, sum: [...sum] });
}

const ROUTES: Readonly<Record<string, () => Response | Promise<Response>>> = {
  '/wait-for-another': waitForAnother,
  '/cold': cold,
  '/work': work,
  '/fill': fill,
  '/train': train,
  '/stand-still': standStill,
  '/typical': typical,
  '/picture': picture,
  '/kernels': kernels,
  '/engine': () => Response.json({ info: engine.info, memory: engine.memory }),
};

export default {
  fetch: (request: Request): Response | Promise<Response> => ROUTES[new URL(request.url).pathname](),
};

declare const scheduler: { wait(milliseconds: number): Promise<void> };
