/** From assembly/ to the bytes of one wasm variant: the compiler, a second pass of its optimiser, a description. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import binaryen from 'assemblyscript/binaryen';

export interface Target {
  readonly name: string;
  readonly kernelSet: 'simd' | 'relaxed' | 'wide';
  readonly threads: boolean;
}

export const TARGETS: readonly Target[] = [
  { name: 'simd', kernelSet: 'simd', threads: false },
  { name: 'relaxed', kernelSet: 'relaxed', threads: false },
  { name: 'wide', kernelSet: 'wide', threads: false },
  { name: 'simd-threads', kernelSet: 'simd', threads: true },
  { name: 'relaxed-threads', kernelSet: 'relaxed', threads: true },
  { name: 'wide-threads', kernelSet: 'wide', threads: true },
  { name: 'debug', kernelSet: 'relaxed', threads: false },
];

export interface CompileOptions {
  /** Keep the names of functions, as the target 'debug' does. */
  readonly names?: boolean;
  /** Leave out the second pass: larger modules, sooner. */
  readonly onePass?: boolean;
  /** Takes what the compiler writes. */
  readonly folder?: string;
}

export async function compileWasm(
  target: Target,
  { names = false, onePass = false, folder = 'build/wasm' }: CompileOptions = {},
): Promise<Uint8Array> {
  const asc = fileURLToPath(import.meta.resolve('assemblyscript/bin/asc.js'));
  const path = `${folder}/${target.name}.wasm`;
  const entries = target.threads ? ['assembly/worker_loop.ts'] : [];
  const options = ['--config', 'asconfig.json', '--target', target.name, '--outFile', path];
  if (names) options.push('--debug');
  mkdirSync(folder, { recursive: true });
  const compiler = spawn(process.execPath, [asc, ...entries, ...options], { stdio: 'inherit' });
  const [status] = (await once(compiler, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`asc failed on target ${target.name}`);
  const compiled = readFileSync(path);
  const optimized = onePass || target.name === 'debug' ? compiled : optimizeAgain(compiled, target, names);
  return withDescription(optimized, target);
}

/**
 * The compiler inlines a function that is called from one place only when it is small; without that limit a module
 * is 3 % smaller, compressed 4 %. Loops of micro-kernels keep their registers: see ARCHITECTURE.md, "Size".
 */
function optimizeAgain(wasm: Uint8Array, { kernelSet, threads }: Target, names: boolean): Uint8Array {
  const { Features } = binaryen;
  const module = binaryen.readBinaryWithFeatures(
    wasm,
    Features.MutableGlobals |
      Features.SignExt |
      Features.NontrappingFPToInt |
      Features.BulkMemory |
      Features.BulkMemoryOpt |
      Features.SIMD128 |
      (kernelSet === 'simd' ? 0 : Features.RelaxedSIMD) |
      (threads ? Features.Atomics : 0),
  );
  binaryen.setOptimizeLevel(2);
  binaryen.setShrinkLevel(1);
  binaryen.setOneCallerInlineMaxSize(-1);
  binaryen.setDebugInfo(names);
  module.optimize();
  const text = module.emitText().replaceAll(SPLAT32, '(i32x4.splat (i32.const $1))');
  const small = binaryen.parseText(text.replaceAll(SPLAT64, '(i64x2.splat (i64.const $2$1))'));
  small.setFeatures(module.getFeatures());
  const optimized = small.emitBinary();
  module.dispose();
  small.dispose();
  return optimized;
}

/** Vectors of equal lanes: 18 bytes, written as a splat 4 to 13. */
const SPLAT32 = /\(v128\.const i32x4 (\w+)(?: \1){3}\)/g;
const SPLAT64 = /\(v128\.const i32x4 0x(\w+) (\w+) 0x\1 \2\)/g;

const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
/** Of the package; the modules say which one they belong to. */
export const { version } = JSON.parse(manifest) as { version: string };

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
  const content = text.encode(JSON.stringify({ variant: name, kernelSet, threads, version }));
  const body = [...leb128(sectionName.length), ...sectionName, ...content];
  return Uint8Array.from([...wasm, 0, ...leb128(body.length), ...body]);
}
