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
