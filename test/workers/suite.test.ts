/** The tests of the repository, in a Worker. */

import { globSync } from 'node:fs';
import type { Plugin } from 'esbuild';
import { Miniflare } from 'miniflare';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { workerdPlugin } from '../../scripts/workerd_plugin.ts';
import { LONG, NODE_ONLY, OWN_COMMAND, PAGE_ONLY } from '../kinds.ts';
import { bundleWorker, root, workerOf } from './bundle.ts';
import { FILES_LEFT_OUT, TESTS_LEFT_OUT } from './suite/left_out.ts';
import type { FileResult } from './suite/results.ts';

const files = globSync('test/**/*.test.ts', {
  cwd: root,
  exclude: [...LONG, ...NODE_ONLY, ...PAGE_ONLY, ...OWN_COMMAND],
})
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => !FILES_LEFT_OUT.some((pattern) => pattern.test(path)))
  .toSorted();

/** The module `upconv:tests` of the bundle. */
const testFiles: Plugin = {
  name: 'test-files',
  setup(build) {
    build.onResolve({ filter: /^upconv:tests$/ }, ({ path }) => ({ path, namespace: 'tests' }));
    build.onLoad({ filter: /.*/, namespace: 'tests' }, () => {
      const lines = files.map((file) => `${JSON.stringify(file)}: () => import(${JSON.stringify(`./${file}`)}),`);
      return { contents: `export const files = {\n${lines.join('\n')}\n};`, resolveDir: root, loader: 'js' };
    });
  },
};

let miniflare: Miniflare;
beforeAll(async () => {
  const script = await bundleWorker('test/workers/suite/worker.ts', [workerdPlugin('.'), testFiles]);
  miniflare = new Miniflare(workerOf(script, 'build/wasm'));
  await miniflare.ready;
});
afterAll(() => miniflare.dispose());

test.each(files)('%s', async (file) => {
  const leftOut = Object.keys(TESTS_LEFT_OUT[file] ?? {});
  const request = { method: 'POST', body: JSON.stringify(leftOut) };
  const response = await miniflare.dispatchFetch(`http://localhost/${file}`, request);
  const { failures, names } = (await response.json()) as FileResult;
  expect(failures).toEqual([]);
  expect(leftOut.filter((beginning) => !names.some((name) => name.startsWith(beginning)))).toEqual([]);
  expect(names.length).toBeGreaterThan(0);
});

test('what is left out is in a file that runs', () => {
  expect(Object.keys(TESTS_LEFT_OUT).filter((file) => !files.includes(file))).toEqual([]);
});
