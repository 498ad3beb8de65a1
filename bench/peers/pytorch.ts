/**
 * PyTorch on one thread, in a process of its own that times on command. It is no package of npm:
 * `apt-get install python3-torch libopenblas0-pthread` on Debian.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Library, Results } from './peer.ts';
import type { Ask, Reply } from './remote_peer.ts';
import { contentOf, openRemotePeer } from './remote_peer.ts';

/** The system's own: another python3 may come first on PATH. */
const PYTHON = process.env['UPCONV_BENCH_PYTHON'] ?? '/usr/bin/python3';

const folder = mkdtempSync(join(tmpdir(), 'upconv-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const child = spawn(PYTHON, [fileURLToPath(new URL('pytorch.py', import.meta.url)), folder], {
  stdio: ['pipe', 'pipe', 'pipe'],
  env: { ...process.env, OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1' },
});
let complaints = '';
child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
const started = new Promise<void>((resolve, reject) => child.on('spawn', resolve).on('error', reject));
const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

async function nextReply(): Promise<unknown> {
  const { value, done } = await lines.next();
  if (done === true) throw new Error(`PyTorch ended: ${complaints.trim().split('\n').at(-1)}`);
  return contentOf(JSON.parse(value) as Reply);
}

/** @throws what PyTorch could not do */
export const askPyTorch: Ask = async (request) => {
  child.stdin.write(`${JSON.stringify(request)}\n`);
  return nextReply();
};

/** Puts numbers where PyTorch reads them. */
export function writeNumbers(name: string, numbers: Float32Array<ArrayBuffer>): void {
  writeFileSync(join(folder, name), numbers);
}

/** Numbers that PyTorch has written. */
export function readNumbers(name: string): Float32Array<ArrayBuffer> {
  return new Float32Array(new Uint8Array(readFileSync(join(folder, name))).buffer);
}

await started;
const version = (await nextReply()) as string;

export const library: Library = {
  version,
  async open({ kind, data }) {
    if (kind !== 'layer') return null;
    const { layer, shapes, input, weight, gradOutput } = data;
    for (const [name, numbers] of Object.entries({ input, weight, gradOutput })) writeNumbers(name, numbers);
    return openRemotePeer(askPyTorch, { kind: 'layer', layer, shapes }, (names): Results =>
      Object.fromEntries((names as string[]).map((name) => [name, readNumbers(name)])),
    );
  },
  close: () => void child.stdin.end(),
};
