/**
 * Where the bytes are: functions of a wasm variant and files of `upconv/kernels`.
 *
 *   node scripts/size.ts [variant] [rows]
 *
 * "gzip" is what compression would save if that part were not there: parts that resemble others cost little.
 */

import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { compileWasm, TARGETS } from './compile_wasm.ts';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

interface Part {
  readonly name: string;
  readonly bytes: number;
  readonly gzip: number;
}

const gzipped = (bytes: Uint8Array): number => gzipSync(bytes, { level: 9 }).length;

/** Reads a module section by section. */
class Reader {
  #at = 0;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get at(): number {
    return this.#at;
  }

  get atEnd(): boolean {
    return this.#at >= this.bytes.length;
  }

  skip(count: number): void {
    this.#at += count;
  }

  /** Unsigned LEB128. */
  number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.#at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  text(): string {
    const length = this.number();
    this.#at += length;
    return new TextDecoder().decode(this.bytes.subarray(this.#at - length, this.#at));
  }
}

const CUSTOM = 0;
const CODE = 10;
const FUNCTION_NAMES = 1;

/** Bytes of each function's code, by name, and the module without names. */
function functionsOf(wasm: Uint8Array): { code: [string, number, number][]; bare: Uint8Array } {
  const reader = new Reader(wasm);
  const spans: [number, number][] = [];
  const names = new Map<number, string>();
  let bare = wasm;
  reader.skip(8);
  while (!reader.atEnd) {
    const from = reader.at;
    const section = reader.number();
    const end = reader.number() + reader.at;
    if (section === CODE) {
      for (let count = reader.number(); count > 0; count--) {
        const start = reader.at;
        reader.skip(reader.number());
        spans.push([start, reader.at]);
      }
    } else if (section === CUSTOM && reader.text() === 'name') {
      bare = Uint8Array.from([...wasm.subarray(0, from), ...wasm.subarray(end)]);
      while (reader.at < end) {
        const kind = reader.number();
        const next = reader.number() + reader.at;
        if (kind === FUNCTION_NAMES) {
          for (let count = reader.number(); count > 0; count--) names.set(reader.number(), reader.text());
        }
        reader.skip(next - reader.at);
      }
    }
    reader.skip(end - reader.at);
  }
  return { code: spans.map(([start, end], index) => [names.get(index) ?? `#${index}`, start, end]), bare };
}

async function wasmParts(variant: string): Promise<{ parts: Part[]; whole: Uint8Array }> {
  const target = TARGETS.find(({ name }) => name === variant);
  if (target === undefined) throw new Error(`no variant '${variant}'`);
  const { code, bare } = functionsOf(await compileWasm(target, { names: true, folder: 'build/size' }));
  const total = gzipped(bare);
  const parts = code.map(([name, start, end]) => ({
    name: name.replace('assembly/', ''),
    bytes: end - start,
    gzip: total - gzipped(Uint8Array.from([...bare.subarray(0, start), ...bare.subarray(end)])),
  }));
  return { parts, whole: bare };
}

async function scriptParts(): Promise<{ parts: Part[]; whole: Uint8Array }> {
  const { outputFiles, metafile } = await build({
    entryPoints: ['src/kernels.ts'],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    external: ['./inlined/*'],
    metafile: true,
    write: false,
  });
  const [{ inputs }] = Object.values(metafile.outputs);
  const whole = outputFiles[0].contents;
  // files lie one after another in the bundle, in this order
  let at = 0;
  const parts = Object.entries(inputs).map(([name, { bytesInOutput }]) => {
    const rest = Uint8Array.from([...whole.subarray(0, at), ...whole.subarray(at + bytesInOutput)]);
    at += bytesInOutput;
    return { name, bytes: bytesInOutput, gzip: gzipped(whole) - gzipped(rest) };
  });
  return { parts, whole };
}

function print(title: string, { parts, whole }: { parts: Part[]; whole: Uint8Array }, rows: number): number {
  const total = gzipped(whole);
  console.log(`${title}: ${whole.length} bytes, ${total} gzip\n\n   bytes    gzip`);
  for (const { name, bytes, gzip } of parts.toSorted((a, b) => b.gzip - a.gzip).slice(0, rows)) {
    console.log(`${String(bytes).padStart(8)}${String(gzip).padStart(8)}  ${name}`);
  }
  console.log();
  return total;
}

const variant = process.argv[2] ?? 'simd';
const rows = Number(process.argv[3] ?? 40);
const wasm = print(`wasm, ${variant}`, await wasmParts(variant), rows);
const script = print('upconv/kernels without wasm, minified', await scriptParts(), rows);
console.log(`together ${wasm + script} gzip`);
