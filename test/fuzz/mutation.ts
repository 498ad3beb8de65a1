/** Damage to a file: bytes, words, numbers in text, pieces that are missing, twice there or from another file. */

import * as fc from 'fast-check';

/** One change. Places are taken modulo the length, so that a damage fits every file. */
type Change =
  | { readonly kind: 'bit' | 'byte' | 'word' | 'wordLE' | 'number'; readonly at: number; readonly value: number }
  | { readonly kind: 'cut' | 'repeat' | 'insert'; readonly at: number; readonly length: number }
  | { readonly kind: 'truncate'; readonly at: number }
  | { readonly kind: 'graft'; readonly at: number; readonly from: number; readonly length: number };

export type Damage = readonly Change[];

const BYTES = [0, 1, 0x7f, 0x80, 0xfe, 0xff];
const WORDS = [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];
const NUMBERS = ['-1', '0', '1e9', '1.5', 'null', '"1"', '[]', '4294967297', '9007199254740993', '1e999', '']; // prettier-ignore

const place = fc.nat(2 ** 20);
const length = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 8 }) },
  { weight: 1, arbitrary: fc.nat(400) },
);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('bit' as const), at: place, value: fc.nat(7) }),
  fc.record({ kind: fc.constant('byte' as const), at: place, value: fc.oneof(fc.constantFrom(...BYTES), fc.nat(255)) }),
  fc.record({ kind: fc.constantFrom('word' as const, 'wordLE' as const), at: place, value: fc.constantFrom(...WORDS) }),
  fc.record({ kind: fc.constant('number' as const), at: fc.nat(40), value: fc.nat(NUMBERS.length - 1) }),
  fc.record({ kind: fc.constantFrom('cut' as const, 'repeat' as const, 'insert' as const), at: place, length }),
  fc.record({ kind: fc.constant('truncate' as const), at: place }),
  fc.record({ kind: fc.constant('graft' as const), at: place, from: place, length }),
);
/** None at all is a case, too: what is valid has to stay readable. */
export const damages: fc.Arbitrary<Damage> = fc.array(change, { maxLength: 6 });

/** `bytes` after `damage`; `donor` gives the grafts. */
export function damaged(bytes: Uint8Array, damage: Damage, donor: Uint8Array): Uint8Array<ArrayBuffer> {
  return damage.reduce((current, each) => changed(current, each, donor), new Uint8Array(bytes));
}

function changed(bytes: Uint8Array<ArrayBuffer>, change_: Change, donor: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.length === 0) return bytes;
  const at = change_.at % bytes.length;
  const replace = (removed: number, added: Uint8Array): Uint8Array<ArrayBuffer> =>
    Uint8Array.from([...bytes.subarray(0, at), ...added, ...bytes.subarray(at + removed)]);
  switch (change_.kind) {
    case 'bit':
      bytes[at] ^= 1 << change_.value;
      return bytes;
    case 'byte':
      bytes[at] = change_.value;
      return bytes;
    case 'word':
    case 'wordLE':
      if (at + 4 <= bytes.length) new DataView(bytes.buffer).setUint32(at, change_.value, change_.kind === 'wordLE');
      return bytes;
    case 'number':
      return withNumber(bytes, change_.at, NUMBERS[change_.value]);
    case 'cut':
      return replace(change_.length, new Uint8Array(0));
    case 'repeat':
      return replace(0, bytes.subarray(at, at + change_.length));
    case 'insert':
      return replace(0, new Uint8Array(change_.length).fill(BYTES[change_.length % BYTES.length]));
    case 'truncate':
      return bytes.slice(0, at);
    case 'graft': {
      const from = change_.from % donor.length;
      return replace(change_.length, donor.subarray(from, from + change_.length));
    }
  }
}

/** With another number in place of the one that is `index`-th in its text. */
function withNumber(bytes: Uint8Array<ArrayBuffer>, index: number, text: string): Uint8Array<ArrayBuffer> {
  const latin = Buffer.from(bytes).toString('latin1');
  const numbers = [...latin.matchAll(/\d+/g)];
  if (numbers.length === 0) return bytes;
  const found = numbers[index % numbers.length];
  const edited = latin.slice(0, found.index) + text + latin.slice(found.index + found[0].length);
  return new Uint8Array(Buffer.from(edited, 'latin1'));
}
