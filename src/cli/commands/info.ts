import { convTranspose2d, createEngine, createGenerator, randn, type Engine } from '../../index.ts';
import { Peak } from '../benchmark/peak.ts';

/** A layer that keeps the micro-kernel busy: large enough to amortise packing, small enough to stay in cache. */
const PROBE = { inChannels: 128, outChannels: 64, kernel: 4, stride: 2, padding: 1, side: 32 } as const;
const PROBE_MS = 300;

/** Prints what the engine chose and how fast it computes. */
export async function info(version: string): Promise<void> {
  const engine = await createEngine();
  try {
    const { variant, threads, threadsReason, microkernel, relaxed, wide, numerics } = engine.info;
    const peak = await Peak.create(relaxed ? 'relaxed' : 'simd');
    peak.sample();
    const { calls, gflops } = await measureLayer(engine);
    peak.sample();
    const { inChannels, outChannels, kernel, stride, padding, side } = PROBE;
    const lines: [string, string][] = [
      ['upconv', version],
      ['runtime', `${process.release.name} ${process.version}, ${process.platform} ${process.arch}`],
      ['variant', variant],
      ['threads', threadsReason ? `${threads} (${threadsReason})` : `${threads}`],
      ['micro-kernel', microkernel],
      ['numerics', numerics],
      ['relaxed', yesNo(relaxed)],
      ['wide', yesNo(wide)],
      ['peak', `${peak.gflops.toFixed(1)} GFLOP/s: multiply-adds of one core in registers`],
      ['layer', `${gflops.toFixed(1)} GFLOP/s, ${((100 * gflops) / peak.gflops).toFixed(0)} % of that peak`],
      [
        'measured',
        `convTranspose2d float32 ${inChannels}->${outChannels} k${kernel} s${stride} p${padding} on ${side}x${side}, best of ${calls} calls`,
      ],
    ];
    for (const [name, value] of lines) process.stdout.write(`${name.padEnd(14)}${value}\n`);
  } finally {
    engine.dispose();
  }
}

/** Best of the calls that fit in PROBE_MS. */
async function measureLayer(engine: Engine): Promise<{ calls: number; gflops: number }> {
  const { inChannels, outChannels, kernel, stride, padding, side } = PROBE;
  const generator = createGenerator(0);
  const input = randn([1, inChannels, side, side], { generator, engine });
  const weight = randn([inChannels, outChannels, kernel, kernel], { generator, engine });
  const flops = 2 * input.size * outChannels * kernel ** 2;
  let best = Infinity;
  let calls = 0;
  for (const started = performance.now(); performance.now() - started < PROBE_MS; calls++) {
    const before = performance.now();
    const output = await convTranspose2d(input, weight, null, { stride, padding });
    best = Math.min(best, performance.now() - before);
    output.dispose();
  }
  for (const resource of [weight, input]) resource.dispose();
  return { calls, gflops: flops / best / 1e6 };
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}
