import { createEngine, UpconvError, type Engine } from '../../index.ts';
import { CliError, isAllocationFailure } from '../errors.ts';
import { checkOutput, writeOutput } from '../files.ts';
import { SMALLEST_SIDE, splitPicture, type Split } from '../image/holdout.ts';
import { describePicture, type Picture } from '../image/picture.ts';
import { encodePng } from '../image/png.ts';
import { readPicture } from '../image/read_picture.ts';
import { createProgress } from '../progress.ts';
import { upscalePicture, type ForwardCost } from '../upscaling/apply.ts';
import { compareMethods, type Comparison } from '../upscaling/compare.ts';
import { shrinkToPair, type Pair } from '../upscaling/pair.ts';
import { trainUpscaler } from '../upscaling/train.ts';

export interface UpscaleOptions {
  readonly scale: 2 | 3 | 4;
  readonly steps: number;
  readonly seed: number;
}

const MIB = 2 ** 20;
/** What `upscalePlanes` takes; refused here before time is spent on training. */
const MAX_OUTPUT_PIXELS = 100e6;

/**
 * Learns to upscale from the picture itself (its shrunk copy gives the training pairs), then upscales it.
 * Prints a report on stdout. Throws `CliError` naming the file for anything the user can correct.
 */
export async function upscale(input: string, output: string, options: UpscaleOptions): Promise<void> {
  if (!/\.png$/i.test(output)) throw new CliError(`${output}: the output is a PNG, its name must end in .png`);
  const started = performance.now();
  const picture = readPicture(input);
  checkOutput(output, [input]);
  checkSize(input, picture, options.scale);
  process.stdout.write(`picture     ${input}: ${describePicture(picture)}\n`);
  const engine = await createEngine();
  try {
    const pair = shrinkToPair(picture, options.scale);
    const split = splitPicture(pair.low[0].width, pair.low[0].height);
    const { upscaled, cost, comparison } = await learnAndApply(engine, picture, pair, split, options);
    writeOutput(output, encodePng(upscaled));
    process.stdout.write(
      comparisonLines(comparison, pair, split) +
        `upscaled    ${output}: ${describePicture(upscaled)}\n` +
        `forward     ${(cost.flops / cost.milliseconds / 1e6).toFixed(1)} GFLOP/s over the full picture (${cost.milliseconds.toFixed(1)} ms)\n` +
        memoryLine(engine) +
        `time        ${seconds(started)}\n`,
    );
  } catch (error) {
    if (error instanceof UpconvError) throw new CliError(`${input}: ${error.message}`, { cause: error });
    if (isAllocationFailure(error))
      throw new CliError(`${input}: out of memory at scale ${options.scale}`, { cause: error });
    throw error;
  } finally {
    engine.dispose();
  }
}

async function learnAndApply(
  engine: Engine,
  picture: Picture,
  pair: Pair,
  split: Split,
  { scale, steps, seed }: UpscaleOptions,
): Promise<{ upscaled: Picture; cost: ForwardCost; comparison: Comparison }> {
  const progress = createProgress(process.stderr);
  try {
    const started = performance.now();
    const module = await trainUpscaler(pair, split, {
      engine,
      steps,
      seed,
      onStep: (done, loss) => progress.update(() => `training ${done}/${steps}, loss ${loss.toExponential(2)}`),
    });
    progress.clear();
    process.stdout.write(`training    ${steps} steps, seed ${seed}: ${seconds(started)}\n`);
    const comparison = await compareMethods(module, pair, split);
    const height = picture.height * scale;
    const { picture: upscaled, cost } = await upscalePicture(module, picture, {
      scale,
      onRows: (done) => progress.update(() => `upscaling row ${done}/${height}`),
    });
    module.dispose();
    return { upscaled, cost, comparison };
  } finally {
    progress.clear();
  }
}

function checkSize(input: string, { width, height }: Picture, scale: number): void {
  const smallest = SMALLEST_SIDE * scale;
  if (width < smallest || height < smallest) {
    throw new CliError(
      `${input}: picture too small: ${width} x ${height}, needs ${smallest} x ${smallest} for --scale ${scale}`,
    );
  }
  if (width * height * scale ** 2 > MAX_OUTPUT_PIXELS) {
    throw new CliError(
      `${input}: picture too large: ${width} x ${height} becomes ${width * scale} x ${height * scale} with --scale ${scale}, at most ${MAX_OUTPUT_PIXELS / 1e6} megapixels`,
    );
  }
}

function comparisonLines(comparison: Comparison, pair: Pair, split: Split): string {
  const pixels = split.measured.reduce((sum, r) => sum + r.width * r.height, 0);
  const share = (100 * pixels) / (pair.low[0].width * pair.low[0].height);
  const lines = [
    `held out    ${split.measured.length} blocks, ${share.toFixed(0)} % of the picture, never trained on; PSNR there:`,
  ];
  for (const [method, decibels] of Object.entries({ ...comparison }))
    lines.push(`  ${method.padEnd(10)}${decibels.toFixed(2)} dB`);
  const gain = comparison.learned - comparison.bicubic;
  // Equal pictures have infinite PSNR, and their difference is not a number.
  if (Number.isFinite(gain)) lines.push(`  learned - bicubic: ${gain >= 0 ? '+' : ''}${gain.toFixed(2)} dB`);
  return `${lines.join('\n')}\n`;
}

function memoryLine(engine: Engine): string {
  const { bytesPeak, bytesReserved } = engine.memory;
  const processBytes = process.resourceUsage().maxRSS * 1024;
  const engineText = `engine ${(bytesPeak / MIB).toFixed(1)} MiB at peak of ${(bytesReserved / MIB).toFixed(1)} MiB reserved`;
  return `memory      ${engineText}, process ${(processBytes / MIB).toFixed(0)} MiB at peak\n`;
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(2)} s`;
}
