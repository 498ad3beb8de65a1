/** Running forward and backward passes of a module: operands held, in the order of calls, undone when they fail. */

import { checkOptions } from '../core/validate.ts';
import type { Procedure, Uses } from '../engine/call.ts';
import { hold } from '../engine/call_queue.ts';
import { runProcedure, runProcedureSync } from '../engine/procedures.ts';
import { storagesOf } from '../functional/arguments.ts';
import type { TensorArgument } from '../functional/operands.ts';
import type { OpenTensor } from '../functional/tensor_arguments.ts';
import { openRetained, openTensor } from '../functional/tensor_arguments.ts';
import { Tensor } from '../tensor/tensor.ts';
import { gradientOf, markUnplaced, restoring } from './gradients.ts';
import type { Module } from './module.ts';
import type { Pass } from './pass.ts';
import type { ForwardOptions, ForwardResult, Wanted } from './pass_types.ts';

/** The caller may change neither the input nor a parameter before the promise has settled. */
export async function runForward(
  module: Module,
  operation: string,
  argument: TensorArgument,
  options: ForwardOptions,
  save: boolean,
): Promise<ForwardResult> {
  const release = module.borrow(operation);
  let input: OpenTensor | null = null;
  try {
    input = open(module, operation, 'input', argument, openRetained);
    const reads = storagesOf([input.tensor, ...module.operands()].filter(isAlive));
    const writes = storagesOf([options?.out, ...module.writtenInTraining()].filter(isAlive));
    const procedure = checkedForward(module, operation, input.tensor, options, save);
    return await runProcedure(procedure, { reads, writes }, options?.signal);
  } finally {
    input?.release();
    release();
  }
}

/** As `runForward`, at once. */
export function runForwardSync(
  module: Module,
  operation: string,
  argument: TensorArgument,
  options: ForwardOptions,
  save: boolean,
): ForwardResult {
  const release = module.borrow(operation);
  let input: OpenTensor | null = null;
  try {
    input = open(module, operation, 'input', argument);
    const procedure = checkedForward(module, operation, input.tensor, options, save);
    return runProcedureSync(operation, procedure, options?.signal);
  } finally {
    input?.release();
    release();
  }
}

/**
 * A backward pass in the place that it has in the order of calls now, though its forward may be pending still.
 * Gradients exist from the call on, so that whatever is called next finds them.
 * @param find finds the forward pass and runs its backward
 */
export async function runBackward(
  module: Module,
  operation: string,
  argument: TensorArgument,
  wanted: Wanted,
  signal: AbortSignal | undefined,
  find: (run: (pass: Pass) => Promise<Tensor | null>) => Promise<Tensor | null>,
): Promise<Tensor | null> {
  const parameters = module.parameters();
  const opened = open(module, operation, 'gradOutput', argument, openRetained);
  const gradOutput = opened.tensor;
  const release = module.borrow(operation);
  let end = (): void => undefined;
  try {
    const gradients = wanted.gradParameters ? parameters.map(gradientOf) : [];
    const uses: Uses = {
      reads: storagesOf([gradOutput, ...parameters].filter(isAlive)),
      writes: storagesOf(gradients),
    };
    const placed = !module.hasForeign;
    const first = [...parameters, gradOutput].find(isAlive);
    const place = placed && first !== undefined ? first.engine.reservePlace(operation) : null;
    const unmark = placed ? hold(uses) : markUnplaced(gradients);
    end = () => {
      unmark();
      place?.give();
    };
    return await find((pass) =>
      pass.run(operation, async (saved) => {
        const steps = module.backwardSteps(operation, saved, gradOutput, wanted);
        const procedure = placed ? restoring(operation, gradients, steps) : steps;
        const { reads, writes } = uses;
        return runProcedure(procedure, { reads: [...reads, ...saved.storages], writes }, signal, place);
      }),
    );
  } finally {
    end();
    opened.release();
    release();
  }
}

/** As `runBackward`, of a forward pass that is there, at once. */
export function runBackwardSync(
  module: Module,
  operation: string,
  pass: Pass,
  argument: TensorArgument,
  wanted: Wanted,
  signal: AbortSignal | undefined,
): Tensor | null {
  const gradOutput = open(module, operation, 'gradOutput', argument);
  try {
    return pass.runSync(operation, (saved) => {
      const steps = module.backwardSteps(operation, saved, gradOutput.tensor, wanted);
      const parameters = wanted.gradParameters && !module.hasForeign ? module.parameters() : [];
      const without = parameters.filter(({ grad }) => grad === null);
      const gradients = parameters.flatMap(({ grad }) => grad ?? []);
      try {
        return runProcedureSync(operation, restoring(operation, gradients, steps), signal);
      } catch (error) {
        for (const parameter of without) {
          parameter.grad?.dispose();
          parameter.grad = null;
        }
        throw error;
      }
    });
  } finally {
    gradOutput.release();
  }
}

function* checkedForward(
  module: Module,
  operation: string,
  input: Tensor,
  options: ForwardOptions,
  save: boolean,
): Procedure<ForwardResult> {
  checkOptions(operation, options, module.forwardOptions);
  return yield* module.forwardSteps(operation, input, options, save);
}

/** TensorLikes are copied in; what is no tensor at all is left to the operation. */
function open(
  module: Module,
  operation: string,
  argument: string,
  value: TensorArgument,
  how: typeof openTensor = openTensor,
): OpenTensor {
  return how(operation, argument, value, module.home().engine);
}

/** Only these can be held; what is no tensor, or disposed, is an error that the operation finds. */
export function isAlive(value: unknown): value is Tensor {
  return value instanceof Tensor && !value.disposed;
}
