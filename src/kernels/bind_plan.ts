/** Binding of a plan to addresses in a memory that someone else manages. */

import { elementBytes } from '../core/dtype.ts';
import { ArgumentError } from '../core/errors.ts';
import { wrongType } from '../core/validate.ts';
import { PLAN_BLOCKS } from '../memory/blocks.ts';
import type { Stage } from '../plan/stage.ts';
import type { BoundStage, Pointers } from './stage_params.ts';
import { operandsOf, paramsBytes, writeConstants, writePointers } from './stage_params.ts';
import type { Kernels } from './instance.ts';
import type { Plan } from './plan.ts';
import { scratchOf } from './plan.ts';

/**
 * Writes the parameter blocks of `plan` at `pointers.params` and returns the calls to make, a barrier between two:
 * `kernels.exports[entry](paramsPtr, begin, end, thread)` for all items 0 … items − 1, thread < threads.
 *
 * @param pointers addresses of the operands, see the plan; `params` (plan.paramsBytes) and, unless the plan needs
 *   none, `workspace`. With `weight` in place of `packedWeight` the first stages pack into the workspace.
 * @throws {ArgumentError} an operand that is missing, unknown, not aligned to its elements, or beyond the memory
 * @throws {TypeError} an address that is no number
 */
export function bind(kernels: Kernels, plan: Plan, pointers: Pointers): BoundStage[] {
  const { optional, packedWeightBytes, workspaceBytes } = plan;
  const left = new Set(optional.filter((name) => pointers[name] === undefined));
  let stages = plan.stages.filter((stage) => [...operandsOf([stage])].every((name) => !left.has(name)));
  if (stages.length === 0 && optional.length > 0)
    throw new ArgumentError('bind', 'pointers', `one of ${optional.join(', ')}`, 'none');
  const packs = packedWeightBytes > 0 && pointers.packedWeight === undefined && operandsOf(stages).has('packedWeight');
  if (packs) stages = [...plan.pack, ...stages];
  const required = operandsOf(stages);
  if (packs) {
    required.delete('packedWeight');
    required.add('workspace');
  }
  const scratch = scratchOf(plan);
  const ranges = {
    ...plan.operands,
    params: paramsBytes(stages, PLAN_BLOCKS),
    workspace: (packs ? workspaceBytes.shared : scratch.shared) + workspaceBytes.perThread,
    ...(packedWeightBytes > 0 ? { packedWeight: packedWeightBytes } : {}),
  };
  checkPointers('bind', kernels, plan, pointers, required, ranges);
  const { workspace } = pointers as { workspace: number };
  return write(
    kernels,
    stages,
    packs
      ? { ...pointers, packedWeight: workspace, workspace: workspace + workspaceBytes.shared - scratch.shared }
      : pointers,
  );
}

/**
 * The stages that fill `packedWeight` from `weight`; none when the plan needs no packed weight.
 * @param pointers `params`, `weight`, `packedWeight` (plan.packedWeightBytes)
 * @throws as `bind`
 */
export function bindPack(kernels: Kernels, plan: Plan, pointers: Pointers): BoundStage[] {
  const { pack, operands, packedWeightBytes } = plan;
  if (pack.length === 0) return [];
  const ranges = { params: paramsBytes(pack, PLAN_BLOCKS), weight: operands.weight, packedWeight: packedWeightBytes };
  checkPointers('bindPack', kernels, plan, pointers, operandsOf(pack), ranges);
  return write(kernels, pack, pointers);
}

function write(kernels: Kernels, stages: readonly Stage[], pointers: Pointers): BoundStage[] {
  const bound = writeConstants(kernels.memory, stages, pointers.params as number, PLAN_BLOCKS);
  writePointers(kernels.memory, bound, pointers);
  return [...bound.stages];
}

function checkPointers(
  operation: string,
  { memory }: Kernels,
  { dtype }: Plan,
  pointers: Pointers,
  required: ReadonlySet<string>,
  ranges: Readonly<Record<string, number>>,
): void {
  for (const name of ['params', ...required]) {
    if (pointers[name] === undefined) throw new ArgumentError(operation, `pointers.${name}`, 'an address', 'none');
  }
  const { byteLength } = memory.buffer;
  for (const [name, ptr] of Object.entries(pointers)) {
    if (ptr === undefined) continue;
    if (!Object.hasOwn(ranges, name)) {
      throw new ArgumentError(operation, 'pointers', `no other than ${Object.keys(ranges).join(', ')}`, `'${name}'`);
    }
    if (typeof ptr !== 'number') {
      throw wrongType(operation, `pointers.${name}`, 'a number', ptr);
    }
    const alignment = name === 'params' ? 1 : elementBytes(dtype);
    const least = name === 'bias' ? alignment : 0; // address 0 says "no bias" to the kernels
    if (!Number.isInteger(ptr) || ptr < least || ptr % alignment !== 0) {
      const expected = `an address from ${least} on that is a multiple of ${alignment}`;
      throw new ArgumentError(operation, `pointers.${name}`, expected, String(ptr));
    }
    if (ptr + ranges[name] > byteLength) {
      const expected = `${ranges[name]} bytes inside the memory of ${byteLength}`;
      throw new ArgumentError(operation, `pointers.${name}`, expected, `address ${ptr}`);
    }
  }
}
