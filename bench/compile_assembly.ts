/** Compiles what stands in bench/assembly: loops that are measured and not shipped. */

import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OPTIONS = ['-O3', '--runtime', 'stub', '--importMemory', '--noExportMemory', '--noAssert', '--use', 'abort='];
/** What the micro-kernels ask; see asconfig.json. */
const VARIANT = ['assembly/variant.ts', '--use', 'Variant=OtherVariant'];

/**
 * @param name of a file of bench/assembly, without its ending
 * @returns exports of an instance that works in `memory`
 * @throws {Error} when it does not compile
 */
export async function instantiateAssembly(
  name: string,
  variant: 'simd' | 'relaxed',
  memory: WebAssembly.Memory,
): Promise<WebAssembly.Exports> {
  const compiler = fileURLToPath(import.meta.resolve('assemblyscript/bin/asc.js'));
  const features = variant === 'relaxed' ? ['simd', 'relaxed-simd'] : ['simd'];
  const path = `build/bench/${name}-${variant}.wasm`;
  mkdirSync(`${ROOT}/build/bench`, { recursive: true });
  const enable = features.flatMap((feature) => ['--enable', feature]);
  const entries = [`bench/assembly/${name}.ts`, ...VARIANT];
  const args = [compiler, ...entries, ...enable, ...OPTIONS, '--outFile', path];
  await promisify(execFile)(process.execPath, args, { cwd: ROOT });
  const { instance } = await WebAssembly.instantiate(readFileSync(`${ROOT}/${path}`), { env: { memory } });
  return instance.exports;
}
