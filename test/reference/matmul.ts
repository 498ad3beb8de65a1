import { addTerm, coordinatesOf, elementCount, emptySums, reshaped, stridesOf } from './tensor.ts';
import type { RefTensor, Sums } from './tensor.ts';

/** Definition: row times column over the last two axes; the axes before broadcast. Vectors as in PyTorch. */
export function matmulReference(a: RefTensor, b: RefTensor): Sums {
  const left = a.shape.length === 1 ? reshaped(a, [1, ...a.shape]) : a;
  const right = b.shape.length === 1 ? reshaped(b, [...b.shape, 1]) : b;
  const [m, k] = left.shape.slice(-2) as [number, number];
  const n = right.shape.at(-1)!;
  if (right.shape.at(-2) !== k) throw new Error(`inner sizes ${k} and ${right.shape.at(-2)} differ`);
  const batchShape = broadcast(left.shape.slice(0, -2), right.shape.slice(0, -2));
  const output = emptySums([...batchShape, m, n]);
  let matrix = 0;
  for (const coordinate of coordinatesOf(batchShape)) {
    const aStart = matrixIndex(left.shape, coordinate) * m * k;
    const bStart = matrixIndex(right.shape, coordinate) * k * n;
    for (let row = 0; row < m; row++) {
      for (let column = 0; column < n; column++) {
        for (let p = 0; p < k; p++) {
          const product = left.data[aStart + row * k + p] * right.data[bStart + p * n + column];
          addTerm(output, (matrix * m + row) * n + column, product);
        }
      }
    }
    matrix++;
  }
  const dropped = [...(a.shape.length === 1 ? [] : [m]), ...(b.shape.length === 1 ? [] : [n])];
  return reshaped(output, [...batchShape, ...dropped]);
}

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const x = a[axis - rank + a.length] ?? 1;
    const y = b[axis - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new Error(`batch axes ${x} and ${y} do not broadcast`);
    return x === 1 ? y : x;
  });
}

/** Which matrix of a tensor a coordinate of the broadcast batch reads. */
function matrixIndex(shape: readonly number[], coordinate: readonly number[]): number {
  const own = shape.slice(0, -2);
  const strides = stridesOf(own);
  const from = coordinate.length - own.length;
  if (elementCount(own) === 0) return 0;
  return own.reduce((sum, length, axis) => sum + (length === 1 ? 0 : coordinate[from + axis] * strides[axis]), 0);
}
