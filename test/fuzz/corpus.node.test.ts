/** What fuzzing found: files by the name of their format, test/fuzz/corpus/*.png, *.npy, …, and convolutions, *.json. */

import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEngine } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { checkConv } from '../support/conv_check.ts';
import type { ConvProblem } from '../support/conv_problem.ts';
import { ENGINES, everyEngine } from '../support/engines.ts';
import { disposeOwned } from '../support/owned.ts';
import { checkFile } from './check_file.ts';
import { FORMATS } from './formats.ts';

const folder = join(import.meta.dirname, 'corpus');

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
});
afterAll(() => engine.dispose());

const found = readdirSync(folder);
const isConvolution = (file: string): boolean => extname(file) === '.json';

test.each(found.filter(isConvolution))('%s', async (file) => {
  const problem = JSON.parse(readFileSync(join(folder, file), 'utf8')) as ConvProblem;
  const engines = await everyEngine();
  ENGINES.forEach((_, index) => checkConv({ ...problem, engine: index }, engines));
  disposeOwned();
  engines.forEach((each) => each.dispose());
});

test.each(found.filter((file) => !isConvolution(file)))('%s', (file) => {
  const format = FORMATS.find(({ name }) => `.${name.toLowerCase()}` === extname(file))!;
  const bytes = new Uint8Array(readFileSync(join(folder, file)));
  // memory that was not written to differs from one time to the next
  for (let time = 0; time < 20; time++) checkFile(format, bytes, engine);
});

describe('what the fuzzer starts from', () => {
  test.each(FORMATS)('$name: valid files are read, and need no repair', ({ valid, read, repair }) => {
    for (const file of valid) {
      const bytes = new Uint8Array(file);
      expect(() => read(bytes.slice(), engine)).not.toThrow();
      expect(repair?.(bytes.slice()) ?? bytes).toEqual(bytes);
    }
  });
});
