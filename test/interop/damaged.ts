import { expect } from 'vitest';
import { UpconvError } from '../../src/index.ts';
import type { FileTensor } from '../../src/npy.ts';

/** What reading damaged bytes may do: throw an error of this package, or give as many elements as the shape says. */
export function expectArrayOrError(read: () => FileTensor | undefined): void {
  let array: FileTensor | undefined;
  let thrown: unknown;
  try {
    array = read();
  } catch (error) {
    thrown = error;
  }
  if (thrown !== undefined) expect(thrown).toBeInstanceOf(UpconvError);
  if (array === undefined) return; // an array of another name
  expect(array.data).toHaveLength(array.shape.reduce((product, length) => product * length, 1));
}
