/** Transforms as tables of sums. See assembly/conv/winograd_terms.ts, and winograd_tiles.ts beside it for the matrices. */

import { product } from './implicit_runs.ts';

type Matrix = readonly (readonly number[])[];

const WITHOUT_SHIFTS: Matrix = [[1]];
/** By the largest shift. */
const WEIGHT: readonly Matrix[] = [
  WITHOUT_SHIFTS,
  [
    [0, 1],
    [0.5, 0.5],
    [-0.5, 0.5],
    [1, 0],
  ],
  [
    [0, 0, 1],
    [0.5, 0.5, 0.5],
    [0.5, -0.5, 0.5],
    [1, 0, 0],
  ],
];
const GRADIENT: readonly Matrix[] = [
  WITHOUT_SHIFTS,
  [
    [1, 0, 0],
    [1, 1, 1],
    [1, -1, 1],
    [0, 0, -1],
  ],
  [
    [1, 0],
    [1, 1],
    [1, -1],
    [0, -1],
  ],
];

/** G: points of the taps of an axis, here by their shifts. */
export function weightMatrix(maxShift: number): Matrix {
  return WEIGHT[maxShift];
}

/** A: points of the gradients of a tile along an axis. */
export function gradientMatrix(maxShift: number): Matrix {
  return GRADIENT[maxShift];
}

/** Rows become columns. */
export function transposed(matrix: Matrix): Matrix {
  return matrix[0].map((_, column) => matrix.map((row) => row[column]));
}

/** Results of the axes' matrices one within the other. @param units bytes from one number to the next, per axis */
export function termTable(matrices: readonly Matrix[], units: readonly number[]): Int32Array {
  const table: number[] = [];
  for (const rows of product(matrices)) {
    const begin = table.push(0);
    for (const indices of product(rows.map((row) => [...row.keys()]))) {
      const factor = indices.reduce((all, index, axis) => all * rows[axis][index], 1);
      if (factor === 0) continue;
      const offset = indices.reduce((sum, index, axis) => sum + index * units[axis], 0);
      table.push(offset, bitsOf(factor));
    }
    table[begin - 1] = (table.length - begin) * 4;
  }
  return Int32Array.from(table);
}

function bitsOf(value: number): number {
  return new Int32Array(Float32Array.of(value).buffer)[0];
}
