/** What a call with mistakes may do: throw an error that names them, or compute; either way nothing stays behind. */

import { tensor, UpconvError } from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import type { FunctionCase, Operand } from '../support/function_cases.ts';
import { disposeOwned, own } from '../support/owned.ts';
import { randomFloat32 } from '../support/random.ts';
import { withinTime } from './campaign.ts';
import type { Mistake } from './mistakes.ts';
import { isAlwaysWrong, isWrongAlone } from './mistakes.ts';

interface Call {
  readonly operands: unknown[];
  readonly options: Record<string, unknown>;
}

/** @throws {Error} when the call crashes, hangs, leaks, accepts what is wrong, or its two forms disagree */
export async function checkCall(
  c: FunctionCase,
  mistakes: readonly Mistake[],
  [engine, other]: Engine[],
): Promise<void> {
  const made = effective(mistakes, Object.keys(c.operands).length);
  const { operands, options } = callWith(c, made, engine, other);
  const before = [engine, other].map(usage).join(', ');
  const sync = settled(() => withinTime(() => c.callSync(operands as Operand[], options)), c.name);
  const promised = await c.call(operands as Operand[], options).then(
    (value) => settled(() => value, c.name),
    (error: unknown) => refusal(error, c.name),
  );
  const after = [engine, other].map(usage).join(', ');
  disposeOwned();
  if (sync !== promised) throw new Error(`${c.name}Sync: ${sync}, but ${c.name}: ${promised}`);
  if (before !== after) throw new Error(`${c.name}: memory was ${before}, is ${after}`);
  const isWrong =
    made.some((each) => isAlwaysWrong(each) && !isNumber(c, each)) ||
    (made.length === 1 && operands.length > 1 && isWrongAlone(made[0]));
  if (sync === 'done' && isWrong) throw new Error(`${c.name}: accepted ${made.map(({ kind }) => kind).join(', ')}`);
}

/** Whether it is a number where one may be. */
function isNumber(c: FunctionCase, mistake: Mistake): boolean {
  if (mistake.kind !== 'not a tensor' || typeof mistake.value !== 'number') return false;
  const names = Object.keys(c.operands);
  return c.numbers.includes(names[mistake.operand % names.length]);
}

/** Without those that a later one takes the place of. */
function effective(mistakes: readonly Mistake[], operands: number): Mistake[] {
  const keyed = mistakes.map((each) => ['name' in each ? each.name : each.operand % operands, each] as const);
  return [...new Map(keyed).values()];
}

function usage(engine: Engine): string {
  const { bytesInUse, tensors } = engine.memory;
  return `${bytesInUse} bytes in ${tensors} tensors`;
}

/** 'done', its results freed, or what was thrown. */
function settled(call: () => unknown, name: string): string {
  try {
    free(call());
    return 'done';
  } catch (error) {
    return refusal(error, name);
  }
}

/** The error in words. @throws {Error} for one that no user should see */
function refusal(error: unknown, name: string): string {
  const isOurs = error instanceof UpconvError || (error instanceof TypeError && error.message.startsWith(name));
  if (!isOurs) throw new Error(`${name} crashed: ${String(error)}`, { cause: error });
  return `${error.name}: ${error.message.replace(`${name}Sync:`, `${name}:`)}`; // some name the form that was called
}

function free(result: unknown): void {
  if (result === null || typeof result !== 'object') return;
  if ('dispose' in result) (result as Tensor).dispose();
  else Object.values(result).forEach(free);
}

function callWith(c: FunctionCase, mistakes: readonly Mistake[], engine: Engine, other: Engine): Call {
  const shapes = Object.values(c.operands);
  const make = (shape: readonly number[], options: object = { engine }): Tensor =>
    own(tensor(randomFloat32(shape.reduce((product, length) => product * length, 1), 1), shape, options)); // prettier-ignore
  const operands: unknown[] = shapes.map((shape) => make(shape));
  const options: Record<string, unknown> = {};
  for (const mistake of mistakes) {
    if ('name' in mistake) {
      options[mistake.name] = mistake.value;
      continue;
    }
    const index = mistake.operand % shapes.length;
    operands[index] = wrongOperand(mistake, shapes[index], make, engine, other);
  }
  return { operands, options };
}

function wrongOperand(
  mistake: Exclude<Mistake, { name: string }>,
  shape: readonly number[],
  make: (shape: readonly number[], options?: object) => Tensor,
  engine: Engine,
  other: Engine,
): unknown {
  switch (mistake.kind) {
    case 'not a tensor':
      return mistake.value;
    case 'disposed': {
      const gone = make(shape);
      gone.dispose();
      return gone;
    }
    case 'foreign':
      return make(shape, { engine: other });
    case 'dtype':
      return make(shape, { engine, dtype: 'float64' });
    case 'shape': {
      const { axis, length } = mistake;
      return make(shape.toSpliced(axis, 1, ...(length === null ? [] : [length])));
    }
    case 'like':
      return { data: randomFloat32(shape.reduce((product, length) => product * length, 1), 1), shape, ...mistake.fields }; // prettier-ignore
  }
}
