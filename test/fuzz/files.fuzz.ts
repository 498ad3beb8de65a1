/** Files of every format, damaged: they are read or refused, and never crash, hang or leave their bytes. */

import * as fc from 'fast-check';
import { afterAll, beforeAll, test } from 'vitest';
import { createEngine } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { campaign } from './campaign.ts';
import { checkFile } from './check_file.ts';
import { FORMATS } from './formats.ts';
import type { Format } from './formats.ts';
import { damaged, damages } from './mutation.ts';
import type { Damage } from './mutation.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, maximumBytes: 16 << 20 });
});
afterAll(() => engine.dispose());

interface DamagedFile {
  readonly format: Format;
  readonly original: Uint8Array;
  readonly donor: Uint8Array;
  readonly damage: Damage;
  readonly repair: boolean;
}

const files: fc.Arbitrary<DamagedFile> = fc.constantFrom(...FORMATS).chain((format) =>
  fc.record({
    format: fc.constant(format),
    original: fc.constantFrom(...format.valid),
    donor: fc.constantFrom(...format.valid),
    damage: damages,
    repair: fc.boolean(),
  }),
);

/** Named in a report of a failure by its format and its bytes: those go into corpus/. */
class ShownFile {
  readonly format: Format;
  readonly bytes: Uint8Array<ArrayBuffer>;

  constructor({ format, original, donor, damage, repair }: DamagedFile) {
    const bytes = damaged(original, damage, donor);
    this.format = format;
    this.bytes = repair && format.repair ? format.repair(bytes) : bytes;
  }

  [fc.toStringMethod](): string {
    return `${this.format.name}, base64 ${Buffer.from(this.bytes).toString('base64')}`;
  }
}

test('files', async () => {
  const shown = files.map((file) => new ShownFile(file));
  await campaign('files', shown, ({ format, bytes }) => checkFile(format, bytes, engine));
});
