/**
 * Builds everything that is not in git: the wasm variants, the modules that inline them,
 * the bundles and the type declarations.
 *
 *   node scripts/build.ts [--if-stale] [--wasm-only]
 *
 * --if-stale: only when a source has changed since the last complete build.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { bundle, bundleWorker } from './bundle.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

interface Target {
  readonly name: string;
  readonly kernelSet: 'simd' | 'relaxed';
  readonly threads: boolean;
}

const TARGETS: readonly Target[] = [
  { name: 'simd', kernelSet: 'simd', threads: false },
  { name: 'relaxed', kernelSet: 'relaxed', threads: false },
  { name: 'simd-threads', kernelSet: 'simd', threads: true },
  { name: 'relaxed-threads', kernelSet: 'relaxed', threads: true },
  { name: 'debug', kernelSet: 'relaxed', threads: false },
];

/** Unsigned LEB128. */
function leb128(value: number): number[] {
  const bytes: number[] = [];
  do {
    bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value >>>= 7;
  } while (value !== 0);
  return bytes;
}

/** Appends the custom section that tells the host which variant it got. */
function withDescription(wasm: Uint8Array, { name, kernelSet, threads }: Target): Uint8Array {
  const text = new TextEncoder();
  const sectionName = text.encode('upconv');
  const content = text.encode(JSON.stringify({ variant: name, kernelSet, threads }));
  const body = [...leb128(sectionName.length), ...sectionName, ...content];
  return Uint8Array.from([...wasm, 0, ...leb128(body.length), ...body]);
}

async function buildTarget(target: Target): Promise<void> {
  const asc = fileURLToPath(import.meta.resolve('assemblyscript/bin/asc.js'));
  const entries = target.threads ? ['assembly/worker_loop.ts'] : [];
  const args = [asc, ...entries, '--config', 'asconfig.json', '--target', target.name];
  const compiler = spawn(process.execPath, args, { stdio: 'inherit' });
  const [status] = (await once(compiler, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`asc failed on target ${target.name}`);
  const path = `build/wasm/${target.name}.wasm`;
  const wasm = withDescription(readFileSync(path), target);
  writeFileSync(path, wasm);
  const base64 = Buffer.from(wasm).toString('base64');
  writeFileSync(`src/wasm/inlined/${target.name}.ts`, `export const base64: string =\n  '${base64}';\n`);
}

/** As many targets at once as there are cores. */
async function buildWasm(): Promise<void> {
  mkdirSync('build/wasm', { recursive: true });
  mkdirSync('src/wasm/inlined', { recursive: true });
  const waiting = [...TARGETS];
  const work = async (): Promise<void> => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) await buildTarget(target);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
}

/** Holds the time at which the last complete build began. */
const STAMP = 'build/complete';
const OUTPUTS = [
  'dist/index.js',
  'dist/kernels.js',
  'dist/cli.js',
  'dist/worker.js',
  'src/threading/inlined/worker.ts',
  ...TARGETS.map(({ name }) => `src/wasm/inlined/${name}.ts`),
];
const SOURCES = ['src/**/*.ts', 'assembly/**/*.ts', 'scripts/{build,bundle}.ts', '{asconfig,tsconfig,package}.json'];

function isStale(): boolean {
  if (![STAMP, ...OUTPUTS].every(existsSync)) return true;
  const began = Number(readFileSync(STAMP, 'utf8'));
  return globSync(SOURCES, { exclude: ['src/wasm/inlined/**'] }).some((path) => statSync(path).mtimeMs > began);
}

async function buildAll(): Promise<void> {
  await buildWasm();
  const worker = await bundleWorker();
  rmSync('dist', { recursive: true, force: true });
  await bundle(worker);
}

if (process.argv.includes('--wasm-only')) {
  await buildWasm();
  await bundleWorker();
} else if (!process.argv.includes('--if-stale') || isStale()) {
  const began = Date.now();
  rmSync(STAMP, { force: true });
  await buildAll();
  writeFileSync(STAMP, String(began));
}
