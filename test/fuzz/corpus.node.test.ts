/** What fuzzing found, as files: test/fuzz/corpus/*.png, *.jpeg, *.npy, … by the name of their format. */

import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEngine } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { checkFile } from './check_file.ts';
import { FORMATS } from './formats.ts';

const folder = join(import.meta.dirname, 'corpus');

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
});
afterAll(() => engine.dispose());

test.each(readdirSync(folder))('%s', (file) => {
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
