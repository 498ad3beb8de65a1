import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const gzipped = (bytes: Uint8Array): number => gzipSync(bytes, { level: 9 }).length;

/** JavaScript and one variant of wasm, as a page downloads them. */
const LIMIT_BYTES = 25 * 1024;

test('upconv/kernels is small, and holds no engine, tensor or loader', async () => {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
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
  const inputs = Object.keys(metafile.inputs);
  expect(inputs.filter((path) => !/^src\/(core|plan|memory|wasm|kernels)(\/|\.ts$)/.test(path))).toEqual([]);
  const wasm = Math.max(...['simd', 'relaxed'].map((name) => gzipped(readFileSync(`${root}/build/wasm/${name}.wasm`))));
  expect(gzipped(outputFiles[0].contents) + wasm).toBeLessThanOrEqual(LIMIT_BYTES);
});
