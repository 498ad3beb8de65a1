/** Modules one after another. */

import { ArgumentError } from '../core/errors.ts';
import { describe, wrongType } from '../core/validate.ts';
import { checkTensor } from '../functional/arguments.ts';
import { retainView } from '../functional/tensor_arguments.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Module } from './module.ts';
import type { ForwardOptions, ForwardResult, Wanted } from './pass_types.ts';
import type { Procedure } from '../engine/call.ts';
import type { Storage } from '../engine/storage.ts';
import type { Saved } from './saved.ts';

/** What each module kept, in order. */
class SavedSequence implements Saved {
  readonly entries: Saved[] = [];

  get storages(): readonly Storage[] {
    return this.entries.flatMap(({ storages }) => storages);
  }

  dispose(): void {
    for (const saved of this.entries) saved.dispose();
  }
}

/**
 * Feeds each module with the output of the one before. Outputs in between are freed: at once in evaluation, after
 * backward in training where backward needs them.
 *
 * @example
 * ```js
 * import { ConvTranspose2d, init, rand, ReLU, Sequential } from 'upconv';
 *
 * await init();
 * const net = new Sequential({ up: new ConvTranspose2d(8, 4, 2, { stride: 2 }), act: new ReLU() }).eval();
 * console.log((await net.forward(rand([1, 8, 5, 5]))).shape); // [ 1, 4, 10, 10 ]
 * ```
 */
export class Sequential extends Module {
  static override readonly typeName: string = 'Sequential';
  readonly #children: [string, Module][];

  /**
   * @param modules modules, named by their position, or one object of named modules
   * @throws {TypeError} when something else is among them.
   * @throws {ArgumentError} for an empty name, or one with a dot: state dicts could not tell it from a path.
   */
  constructor(...modules: Module[] | [Readonly<Record<string, Module>>]) {
    super();
    const [first] = modules;
    const positional = modules.length !== 1 || first instanceof Module;
    if (!positional && (typeof first !== 'object' || first === null)) {
      throw wrongType('Sequential', 'modules', 'Modules', first);
    }
    this.#children = positional
      ? (modules as Module[]).map((child, position) => [String(position), child])
      : Object.entries(first);
    for (const [name, child] of this.#children) {
      if (!(child instanceof Module)) {
        throw new TypeError(`Sequential: modules expected Modules, got ${describe(child)} at ${name}`);
      }
      if (name === '' || name.includes('.')) {
        throw new ArgumentError('Sequential', 'modules', "names that are not empty and have no '.'", describe(name));
      }
    }
  }

  get length(): number {
    return this.#children.length;
  }

  /** The module at a position, counted from the end if negative, or of a name. */
  get(key: number | string): Module | undefined {
    if (typeof key === 'number') return this.#children.at(key)?.[1];
    return this.#children.find(([name]) => name === key)?.[1];
  }

  [Symbol.iterator](): IterableIterator<Module> {
    return this.#children.map(([, child]) => child)[Symbol.iterator]();
  }

  override namedChildren(): [string, Module][] {
    return [...this.#children];
  }

  /** @internal */
  override *forwardSteps(
    operation: string,
    input: Tensor,
    { out }: ForwardOptions,
    save: boolean,
  ): Procedure<ForwardResult> {
    checkTensor(operation, 'input', input);
    const saved = new SavedSequence();
    let current = input;
    const last = this.#children.length - 1;
    try {
      for (const [position, [name, child]] of this.#children.entries()) {
        const options = position === last && out !== undefined ? { out } : {};
        const step = yield* child.enterForward(`${operation}(${name})`, current, options, save);
        if (current !== input && current !== step.output) current.dispose(); // a module may pass its input on
        current = step.output;
        if (step.saved !== null) saved.entries.push(step.saved);
      }
      if (current === input) current = out === undefined ? retainView(input) : out.copyFrom(input);
    } catch (error) {
      saved.dispose();
      if (current !== input) current.dispose();
      throw error;
    }
    return { output: current, saved: save ? saved : null };
  }

  /** @internal */
  override *backwardSteps(
    operation: string,
    saved: Saved,
    gradOutput: Tensor,
    { gradInput, gradParameters }: Wanted,
  ): Procedure<Tensor | null> {
    checkTensor(operation, 'gradOutput', gradOutput);
    const { entries } = saved as SavedSequence;
    let current: Tensor | null = gradOutput;
    const replace = (next: Tensor | null): void => {
      if (current !== gradOutput) current?.dispose();
      current = next;
    };
    // modules in front of the first one with parameters need no gradient when the input does not
    const firstLearning = this.#children.findIndex(([, child]) => gradParameters && child.parameters().length > 0);
    const first = gradInput ? 0 : firstLearning;
    if (first < 0) return null;
    try {
      for (let position = this.#children.length - 1; position >= first; position--) {
        const [name, child] = this.#children[position];
        const wanted = { gradInput: gradInput || position > first, gradParameters };
        replace(yield* child.enterBackward(`${operation}(${name})`, entries[position], current, wanted));
      }
    } catch (error) {
      replace(null);
      throw error;
    }
    return current === gradOutput ? retainView(gradOutput) : current;
  }
}
