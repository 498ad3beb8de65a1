/** Packing weights ahead of their use. */

import { checkActivation } from '../core/activation.ts';
import { ArgumentError, ShapeError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { formatShape } from '../core/shape.ts';
import { checkChoice, checkOptions, checkSizes } from '../core/validate.ts';
import type { Storage } from '../engine/storage.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { AnyConvOptions, SpatialRank } from './conv_options.ts';
import { checkCommon } from './conv_options.ts';
import type { ConvKind } from './conv_problem.ts';
import { checkProblem, CONV, CONV_TRANSPOSE } from './conv_problem.ts';
import { packings } from './conv_steps.ts';
import type { TensorArgument } from './operands.ts';
import { openOperands } from './operands.ts';
import type { PackedFor } from './packed_weight.ts';
import { PackedWeight } from './packed_weight.ts';

/** Its own, and those of the calls to come. */
export interface PackWeightOptions extends Omit<AnyConvOptions, 'signal' | 'out'> {
  /** Default 'convTranspose'. */
  operation?: 'convTranspose' | 'conv';
  /** Default 'forward'; 'gradInput' for the gradient of the input, that alone. */
  direction?: 'forward' | 'gradInput';
  /** Of the operation: packs for this shape alone. Without it the packed weight serves every size. */
  inputShape?: readonly number[];
}

const OPTIONS = ['operation', 'direction', 'inputShape'];
/** Options of the calls that packing has nothing to do with. */
const NOT_PACKED: ReadonlySet<string> = new Set(['signal', 'out']);

/**
 * Packs a weight once, so that calls with it pack nothing and the raw weight may go.
 *
 * @param weight of the operation: (Cin, Cout/groups, …kernel), of a convolution (Cout, Cin/groups, …kernel)
 * @param options those of the calls to come; stride, dilation and groups must be the same there
 * @throws {ShapeError | ArgumentError | DtypeError | EngineError | OutOfMemoryError | TypeError}
 *
 * @example
 * ```js
 * import { convTranspose2dSync, init, packWeight, rand } from 'upconv';
 *
 * await init();
 * const weight = rand([16, 8, 4, 4]);
 * const packed = packWeight(weight, { stride: 2 });
 * weight.dispose();
 * const small = convTranspose2dSync(rand([1, 16, 8, 8]), packed, null, { stride: 2 });
 * const large = convTranspose2dSync(rand([1, 16, 12, 12]), packed, null, { stride: 2 });
 * console.log(small.shape, large.shape); // [ 1, 8, 18, 18 ] [ 1, 8, 26, 26 ]
 * packed.dispose();
 * ```
 */
export function packWeight(weight: TensorArgument, options: PackWeightOptions = {}): PackedWeight {
  const operation = 'packWeight';
  const kind = kindOf(operation, options);
  const known = kind.forwardOptions.filter((option) => !NOT_PACKED.has(option));
  checkOptions(operation, options, [...OPTIONS, ...known]);
  const { direction = 'forward', inputShape } = options;
  checkChoice(operation, 'direction', direction, ['forward', 'gradInput']);
  checkActivation(operation, 'activation', options.activation);
  checkActivation(operation, 'inputActivation', options.inputActivation);
  const shape = inputShape === undefined ? null : checkSizes(operation, 'inputShape', inputShape);
  const operands = openOperands(operation, { weight }, null, options.engine);
  try {
    return packFor(operation, operands.tensors.weight, kind, direction, [shape], options);
  } finally {
    operands.release();
  }
}

function kindOf(operation: string, options: PackWeightOptions | null): ConvKind {
  const { operation: name = CONV_TRANSPOSE.name } = options ?? {};
  checkChoice(operation, 'operation', name, [CONV_TRANSPOSE.name, CONV.name]);
  return name === CONV.name ? CONV : CONV_TRANSPOSE;
}

/**
 * A weight packed in the layouts of several shapes; null stands for every size.
 * @throws as `packWeight`
 */
export function packFor(
  operation: string,
  weight: Tensor,
  kind: ConvKind,
  direction: PackedFor['direction'],
  inputShapes: readonly (Shape | null)[],
  options: PackWeightOptions,
): PackedWeight {
  const axes = weight.shape.length - 2;
  if (axes < 1 || axes > 3 || weight.shape.includes(0)) {
    throw new ShapeError(operation, 'weight', '3 to 5 axes, none empty', formatShape(weight.shape));
  }
  const rank = axes as SpatialRank;
  const named = kind === CONV && typeof options.padding === 'string';
  if (named) checkChoice(operation, 'padding', options.padding, ['same', 'valid']);
  const { stride, dilation, groups } = checkCommon(operation, rank, named ? { ...options, padding: 0 } : options);
  if (weight.shape[0] % groups !== 0) {
    throw new ArgumentError(operation, 'groups', `a divisor of ${weight.shape[0]}`, String(groups));
  }
  const { engine, dtype, shape } = weight;
  const copies = new Map<string, Storage>();
  try {
    for (const inputShape of inputShapes) {
      const [input, checked] =
        inputShape === null ? smallest(kind, shape, { stride, dilation, groups }) : [inputShape, options];
      const asked = { ...checked, algorithm: options.algorithm };
      const { problem } = checkProblem(kind, operation, rank, input, shape, asked);
      for (const { packKey, bytes, fill } of packings(problem, direction, weight, inputShape === null)) {
        if (copies.has(packKey)) continue;
        const storage = engine.allocateStorage(operation, bytes, 'packed weight');
        copies.set(packKey, storage);
        engine.execute({
          engine,
          operation,
          reads: [weight.storage],
          writes: [],
          steps: [{ ...fill, pointers: { ...fill.pointers, packedWeight: storage.ptr } }],
          finish: () => undefined,
          abandon: () => undefined,
          release: () => undefined,
        });
      }
    }
  } catch (error) {
    for (const storage of copies.values()) storage.release();
    throw error;
  }
  return new PackedWeight(engine, dtype, shape, { operation: kind.name, direction, stride, dilation, groups }, copies);
}

interface Common {
  stride: number[];
  dilation: number[];
  groups: number;
}

/** An input that gives one position, whatever the padding of the calls: any would do for a layout of every size. */
function smallest(kind: ConvKind, shape: Shape, common: Common): [Shape, Common] {
  const reach = shape.slice(2).map((length, axis) => common.dilation[axis] * (length - 1) + 1);
  const input = kind === CONV ? [shape[1] * common.groups, ...reach] : [shape[0], ...reach.map(() => 1)];
  return [input, common];
}
