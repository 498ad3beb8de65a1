/**
 * Builds everything that is not in git: the wasm variants, the modules that inline them,
 * the bundles and the type declarations.
 *
 *   node scripts/build.ts [--if-stale] [--wasm-only[=variant,…]] [--one-pass]
 *
 * --if-stale: only when a source has changed since the last complete build.
 * --one-pass: larger modules, sooner.
 */

import { existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { bundle, inlineWorker } from './bundle.ts';
import type { Target } from './compile_wasm.ts';
import { compileWasm, TARGETS, version } from './compile_wasm.ts';
import { encodeInlined } from '../src/wasm/inlined_text.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

async function buildTarget(target: Target): Promise<void> {
  const wasm = await compileWasm(target, { onePass: process.argv.includes('--one-pass') });
  writeFileSync(`build/wasm/${target.name}.wasm`, wasm);
  writeFileSync(
    `src/wasm/inlined/${target.name}.ts`,
    `export const text: string = ${JSON.stringify(encodeInlined(wasm))};\n`,
  );
}

/** As many targets at once as there are cores. */
async function buildWasm(names: readonly string[] = TARGETS.map(({ name }) => name)): Promise<void> {
  mkdirSync('src/wasm/inlined', { recursive: true });
  writeFileSync('src/wasm/inlined/version.ts', `export const version: string = ${JSON.stringify(version)};\n`);
  const waiting = TARGETS.filter(({ name }) => names.includes(name));
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
  'dist/workerd/index.js',
  'src/threading/inlined/worker.ts',
  'src/wasm/inlined/version.ts',
  ...TARGETS.map(({ name }) => `src/wasm/inlined/${name}.ts`),
];
const SOURCES = [
  'src/**/*.ts',
  'assembly/**/*.ts',
  'scripts/{build,bundle,compile_wasm,reachable,workerd_plugin}.ts',
  '{asconfig,tsconfig,package}.json',
];

function isStale(): boolean {
  if (![STAMP, ...OUTPUTS].every(existsSync)) return true;
  const began = Number(readFileSync(STAMP, 'utf8'));
  return globSync(SOURCES, { exclude: ['src/*/inlined/**'] }).some((path) => statSync(path).mtimeMs > began);
}

async function buildAll(): Promise<void> {
  await buildWasm();
  await inlineWorker();
  rmSync('dist', { recursive: true, force: true });
  await bundle();
}

const wasmOnly = process.argv.find((argument) => argument.startsWith('--wasm-only'));
if (wasmOnly !== undefined) {
  await buildWasm(wasmOnly.split('=')[1]?.split(','));
  await inlineWorker();
} else if (!process.argv.includes('--if-stale') || isStale()) {
  const began = Date.now();
  rmSync(STAMP, { force: true });
  await buildAll();
  writeFileSync(STAMP, String(began));
}
