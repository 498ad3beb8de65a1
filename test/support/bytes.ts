/** Whether two results have the same bits; `expect` would look at them element by element, which is slow. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  const inWords = (a.byteOffset | b.byteOffset) % 4 === 0 ? a.length >> 2 : 0;
  const wordsA = inWords > 0 ? new Int32Array(a.buffer, a.byteOffset, inWords) : [];
  const wordsB = inWords > 0 ? new Int32Array(b.buffer, b.byteOffset, inWords) : [];
  for (let i = 0; i < inWords; i++) if (wordsA[i] !== wordsB[i]) return false;
  for (let i = 4 * inWords; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** For `expect.addEqualityTesters`: arrays of numbers by their bits, which of thousands is a hundred times as fast. */
export function sameNumbers(a: unknown, b: unknown): boolean | undefined {
  const kinds = [Uint8Array, Int32Array, Float32Array, Float64Array];
  if (!kinds.some((kind) => a instanceof kind && b instanceof kind)) return undefined;
  return sameBytes(bytesOf(a as ArrayBufferView), bytesOf(b as ArrayBufferView));
}
