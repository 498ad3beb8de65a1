/** Plan of a batched matrix product C = A · B, any strides. See assembly/gemm/matmul.ts. */

import type { Dtype } from '../core/dtype.ts';
import { elementBytes } from '../core/dtype.ts';
import type { KernelSet } from '../core/kernel_set.ts';
import { ceilDiv, chooseKc, chooseMr, ITEM_FLOPS, nrOf, roundUp } from './blocking.ts';
import type { Stage, WorkspaceBytes } from './stage.ts';
import { pointer } from './stage.ts';

/** Element strides of a matrix. */
export interface MatrixStrides {
  readonly row: number;
  readonly column: number;
}

/** One batch axis: its length, and the element strides of the three operands along it; 0 repeats a matrix. */
export interface BatchAxis {
  readonly length: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

export interface MatmulSpec {
  readonly dtype: Dtype;
  readonly kernelSet: KernelSet;
  /** Height of the micro-kernel, null to choose. */
  readonly mr: number | null;
  /** Outermost first. */
  readonly batch: readonly BatchAxis[];
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: MatrixStrides;
  readonly b: MatrixStrides;
  readonly c: MatrixStrides;
  /** Add to what is there. */
  readonly accumulate?: boolean;
}

export interface MatmulPlan {
  readonly stages: readonly Stage[];
  readonly workspaceBytes: WorkspaceBytes;
}

/** Largest block of C of an item; a multiple of every mr and nr. B is packed once for so many rows. */
export const MATMUL_ROWS = 240;
const ITEM_COLUMNS = 512;
/** Narrower blocks would pack more than they multiply. */
const LEAST_COLUMNS = 128;

/** Operands: `a` (m, k) and `b` (k, n) are read, `c` (m, n) is written. */
export function planMatmul(given: MatmulSpec): MatmulPlan {
  const turned = given.n === 1 || (given.c.row === 1 && given.c.column !== 1);
  const spec = rowsOfBatch(turned ? transposed(given) : given);
  const { dtype, m, n, k } = spec;
  const bytes = elementBytes(dtype);
  const nr = nrOf(dtype);
  const kc = chooseKc(k);
  const even = ceilDiv(m, Math.max(1, ceilDiv(m, MATMUL_ROWS)));
  const mr = chooseMr(spec, (height) => roundUp(even, height));
  const itemRows = Math.max(mr, roundUp(even, mr));
  const worth = (4 * ITEM_FLOPS) / (2 * itemRows * Math.max(k, 1));
  const itemColumns = roundUp(Math.min(Math.max(n, 1), ITEM_COLUMNS, Math.max(worth, LEAST_COLUMNS)), nr);
  const matrices = spec.batch.reduce((product, { length }) => product * length, 1);

  const panelsOffset = roundUp(itemRows * kc * bytes, 64);
  const tileOffset = panelsOffset + roundUp(itemColumns * kc * bytes, 64);
  const perThread = tileOffset + roundUp(mr * 36 + nr * 4, 64);
  return {
    stages: [
      {
        entry: 'matmul',
        items: matrices * ceilDiv(m, itemRows) * ceilDiv(n, itemColumns),
        flops: 2 * matrices * m * n * k,
        block: 'matmul',
        fields: {
          aPtr: pointer(turned ? 'b' : 'a'),
          bPtr: pointer(turned ? 'a' : 'b'),
          cPtr: pointer('c'),
          workspacePtr: pointer('workspace'),
          threadBytes: perThread,
          m,
          n,
          k,
          aRowStride: spec.a.row,
          aColumnStride: spec.a.column,
          bRowStride: spec.b.row,
          bColumnStride: spec.b.column,
          cRowStride: spec.c.row,
          cColumnStride: spec.c.column,
          batchTablePtr: Int32Array.from(spec.batch.flatMap((axis) => [axis.length, axis.a, axis.b, axis.c])),
          batchAxes: spec.batch.length,
          mr,
          kc,
          itemRows,
          itemColumns,
          rowOffsetPtr: Int32Array.from({ length: itemRows }, (_, row) => row * spec.c.row * bytes),
          panelsOffset,
          tileOffset,
          elementBytes: bytes,
          accumulate: Number(spec.accumulate ?? false),
        },
      },
    ],
    workspaceBytes: { shared: 0, perThread },
  };
}

/** Cᵀ = Bᵀ · Aᵀ: for a C of one column, or whose rows lie along memory, as the lanes of a vector are columns. */
function transposed(spec: MatmulSpec): MatmulSpec {
  const turn = ({ row, column }: MatrixStrides): MatrixStrides => ({ row: column, column: row });
  return {
    ...spec,
    m: spec.n,
    n: spec.m,
    a: turn(spec.b),
    b: turn(spec.a),
    c: turn(spec.c),
    batch: spec.batch.map(({ length, a, b, c }) => ({ length, a: b, b: a, c })),
  };
}

/** Batch axes over one matrix B whose matrices of A and C follow one another are rows. */
function rowsOfBatch(spec: MatmulSpec): MatmulSpec {
  const batch = spec.batch.filter(({ length }) => length !== 1);
  let { m } = spec;
  for (let last = batch.at(-1); last !== undefined; last = batch.at(-1)) {
    if (last.b !== 0 || last.a !== m * spec.a.row || last.c !== m * spec.c.row) break;
    m *= last.length;
    batch.pop();
  }
  return { ...spec, m, batch };
}
