/** Whether two results have the same bits; `expect` would look at them element by element, which is slow. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
