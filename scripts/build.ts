/**
 * Builds everything that is not in git: the wasm variants, the modules that inline them,
 * the bundles and the type declarations.
 *
 *   node scripts/build.ts [--wasm-only]
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.ts';

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

function buildWasm(): void {
  mkdirSync('build/wasm', { recursive: true });
  mkdirSync('src/wasm/inlined', { recursive: true });
  for (const target of TARGETS) {
    const asc = fileURLToPath(import.meta.resolve('assemblyscript/bin/asc.js'));
    execFileSync(process.execPath, [asc, '--config', 'asconfig.json', '--target', target.name], { stdio: 'inherit' });
    const path = `build/wasm/${target.name}.wasm`;
    const wasm = withDescription(readFileSync(path), target);
    writeFileSync(path, wasm);
    const base64 = Buffer.from(wasm).toString('base64');
    writeFileSync(`src/wasm/inlined/${target.name}.ts`, `export const base64: string =\n  '${base64}';\n`);
  }
}

buildWasm();
if (!process.argv.includes('--wasm-only')) {
  rmSync('dist', { recursive: true, force: true });
  await bundle();
}
