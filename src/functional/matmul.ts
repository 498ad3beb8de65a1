/** matmul: batched matrix products, `torch.matmul`. */

import { computeDtype } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { broadcastShapes, formatShape } from '../core/shape.ts';
import { checkOptions } from '../core/validate.ts';
import type { Call } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import type { BatchAxis, MatmulSpec } from '../plan/matmul.ts';
import { planMatmul } from '../plan/matmul.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { resultTensor, storagesOf } from './arguments.ts';
import { KernelOperands } from './kernel_operands.ts';
import type { TensorArgument } from './operands.ts';
import { openOperands } from './operands.ts';

export interface MatmulOptions {
  engine?: Engine;
  signal?: AbortSignal;
  /** Where to write the result. */
  out?: Tensor;
}

const OPTIONS = ['engine', 'signal', 'out'];

/** The geometry of a product, and the shape of its result. */
interface CheckedMatmul {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batchShape: readonly number[];
  readonly outputShape: readonly number[];
}

/** @throws {ShapeError} for a number in place of a matrix, inner sizes that differ, batch axes that do not broadcast. */
function matmulShape(operation: string, a: Shape, b: Shape): CheckedMatmul {
  if (a.length === 0) throw new ShapeError(operation, 'a', 'at least one axis', formatShape(a));
  if (b.length === 0) throw new ShapeError(operation, 'b', 'at least one axis', formatShape(b));
  const k = a[a.length - 1];
  const inner = b[Math.max(0, b.length - 2)];
  if (inner !== k) {
    throw new ShapeError(operation, 'b', `${k} rows, as a ${formatShape(a)} has columns`, formatShape(b));
  }
  const batchShape = broadcastShapes(operation, 'b', a.slice(0, -2), b.slice(0, -2), 'batch axes');
  const rows = a.slice(0, -1).slice(-1); // none for a vector
  const columns = b.length === 1 ? [] : b.slice(-1);
  return { m: rows[0] ?? 1, n: columns[0] ?? 1, k, batchShape, outputShape: [...batchShape, ...rows, ...columns] };
}

/** Element strides of a tensor along the broadcast batch axes: 0 where it has one matrix for all. */
function batchStrides(shape: Shape, strides: readonly number[], axes: number): number[] {
  const own = Math.max(0, shape.length - 2);
  return Array.from({ length: axes }, (_, axis) => {
    const at = axis - axes + own;
    return at < 0 || shape[at] === 1 ? 0 : strides[at];
  });
}

/** A checked call, ready to run. */
function beginMatmul(
  operation: string,
  aArgument: TensorArgument,
  bArgument: TensorArgument,
  options: MatmulOptions = {},
): Call<Tensor> {
  checkOptions(operation, options, OPTIONS);
  const operands = openOperands(operation, { a: aArgument, b: bArgument }, null, options.engine);
  try {
    const { engine, dtype } = operands;
    const { a, b } = operands.tensors;
    const { m, n, k, batchShape, outputShape } = matmulShape(operation, a.shape, b.shape);
    const { tensor: output, owned } = resultTensor(operation, 'out', options.out, engine, dtype, outputShape, [a, b]);
    const axes = batchShape.length;
    const seen = new KernelOperands();
    const [as, bs, cs] = [seen.read('a', a), seen.read('b', b), seen.write('c', output)].map(({ strides }) => strides);
    const [aBatch, bBatch] = [batchStrides(a.shape, as, axes), batchStrides(b.shape, bs, axes)];
    const batch: BatchAxis[] = batchShape.map((length, axis) => ({
      length,
      a: aBatch[axis],
      b: bBatch[axis],
      c: cs[axis],
    }));
    // a vector a is one row, a vector b one column; of an axis that is not there any stride is right
    const spec: MatmulSpec = {
      dtype: computeDtype(dtype),
      kernelSet: engine.kernelSet,
      mr: engine.forcedMr,
      batch,
      m,
      n,
      k,
      a: { row: as.at(-2) ?? 0, column: as[as.length - 1] },
      b: bs.length === 1 ? { row: bs[0], column: 0 } : { row: bs[bs.length - 2], column: bs[bs.length - 1] },
      c: {
        row: as.length === 1 ? 0 : cs[axes],
        column: bs.length === 1 ? 1 : cs[cs.length - 1],
      },
    };
    const key = `matmul ${JSON.stringify(spec)}`;
    const plan = engine.plan(key, () => planMatmul(spec));
    return {
      engine,
      operation,
      reads: storagesOf([a, b]),
      steps: [seen.step(engine, key, plan.stages, plan.workspaceBytes)],
      writes: [output.storage],
      finish: () => output,
      abandon: () => {
        if (owned) output.dispose();
      },
      release: operands.release,
    };
  } catch (error) {
    operands.release();
    throw error;
  }
}

/**
 * Matrix product, `torch.matmul`.
 *
 * @param a (…, m, k), any strides; (k) is one row
 * @param b (…, k, n), any strides; (k) is one column. The axes in front broadcast against those of `a`
 * @param options `out`: any strides, no overlap with an operand
 * @returns (…, m, n), without m where `a` is a vector and without n where `b` is one; zeros for k = 0
 * @throws {ShapeError} inner sizes that differ, axes that do not broadcast, an operand without axes
 * @throws {ArgumentError | DtypeError | EngineError | OutOfMemoryError | TypeError}
 *
 * @example
 * ```js
 * import { init, matmul, tensor } from 'upconv';
 *
 * await init();
 * const product = await matmul(tensor([[1, 2], [3, 4]]), tensor([[5], [6]]));
 * console.log(product.toArray()); // [ [ 17 ], [ 39 ] ]
 * ```
 */
export async function matmul(a: TensorArgument, b: TensorArgument, options?: MatmulOptions): Promise<Tensor> {
  const call = beginMatmul('matmul', a, b, options);
  return call.engine.submit(call, options?.signal);
}

/** As `matmul`, on the calling thread. */
export function matmulSync(a: TensorArgument, b: TensorArgument, options?: MatmulOptions): Tensor {
  const call = beginMatmul('matmul', a, b, options);
  return call.engine.execute(call, options?.signal);
}
