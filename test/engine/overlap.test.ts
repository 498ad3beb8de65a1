/** Tensors over the same bytes, which `engine.wrap` makes: what happens to one happens to all. */

import { describe, expect, test } from 'vitest';
import {
  ConvTranspose2d,
  convTranspose2d,
  convTranspose2dBackwardSync,
  convTranspose2dSync,
  full,
  initializers,
  tensor,
  zeros,
} from '../../src/index.ts';
import type { Tensor } from '../../src/index.ts';
import { codeOf, SLOW, turns, watch } from '../support/in_flight.ts';
import { own } from '../support/owned.ts';
import { engine, halfWay, out, w, x, useSlowCall } from '../support/slow_call.ts';

useSlowCall();

/** A tensor over the bytes of `t`. */
const over = (t: Tensor): Tensor => own(engine.wrap(t.ptr, t.shape));
/** A vector over `count` elements from element `first` of `t`. */
const part = (t: Tensor, first: number, count: number): Tensor => own(engine.wrap(t.ptr + 4 * first, [count]));

const writesOf = (t: Tensor): (() => unknown)[] => [
  () => t.data,
  () => t.commit(),
  () => t.copyFrom(new Float32Array(t.size)),
  () => initializers.constant_(t, 1),
];
const readsOf = (t: Tensor): (() => unknown)[] => [
  () => t.toTypedArray(),
  () => t.toArray(),
  () => t.copyTo(new Float32Array(t.size)),
  () => own(t.clone()),
];
const free = (uses: (() => unknown)[]): string[] =>
  uses.filter((use) => codeOf(use) !== 'ERR_IN_USE').map((use) => String(use));
const refused = (uses: (() => unknown)[]): (string | undefined)[] =>
  uses.map(codeOf).filter((code) => code !== undefined);

describe('while a call is pending', () => {
  test('one wrap of the bytes that it uses through another', async () => {
    const [input, weight, result] = [over(x), over(w), over(out)];
    const [input2, weight2, result2] = [over(x), over(w), over(out)];
    const promise = convTranspose2d(input, weight, null, { ...SLOW.options, out: result });
    const state = watch(promise);
    await turns(3);
    expect(free([...writesOf(input2), ...writesOf(weight2), ...writesOf(result2), ...readsOf(result2)])).toEqual([]);
    expect(refused([...readsOf(input2), ...readsOf(weight2)])).toEqual([]);
    expect(state.settled).toBe(false);
    expect(await promise).toBe(result);
    expect(refused([...writesOf(input2), ...writesOf(weight2), ...writesOf(result2), ...readsOf(result2)])).toEqual([]);
  });

  test('a wrap of some of its bytes, made before or meanwhile, and not one beside them', async () => {
    const whole = own(zeros([x.size + 32], { engine }));
    const input = own(engine.wrap(whole.ptr + 64, x.shape)); // elements 16 … size + 15
    const first = part(whole, 0, 17);
    const beside = [part(whole, 0, 16), part(whole, 16 + x.size, 16), part(whole, 20, 0)];
    const promise = convTranspose2d(input, w, null, { ...SLOW.options, out });
    const state = watch(promise);
    await turns(3);
    const last = part(whole, 15 + x.size, 17);
    expect(free([...writesOf(first), ...writesOf(last), ...writesOf(whole)])).toEqual([]);
    expect(refused([...beside, part(whole, 0, 16)].flatMap(writesOf))).toEqual([]);
    expect(state.settled).toBe(false);
    await promise;
    expect(refused([...writesOf(first), ...writesOf(last), ...writesOf(whole)])).toEqual([]);
  });

  test('a wrap of a tensor of the engine, and that tensor', async () => {
    const early = over(x);
    const { promise } = await halfWay();
    const [input, result] = [over(x), over(out)];
    expect(free([early, input, result].flatMap(writesOf))).toEqual([]);
    expect(free(readsOf(result))).toEqual([]);
    await promise;
    const wrapped = convTranspose2d(input, w, null, { ...SLOW.options, out: result });
    await turns(3);
    expect(free([...writesOf(x), ...writesOf(out), ...readsOf(out)])).toEqual([]);
    await wrapped;
    expect(refused([...writesOf(x), ...readsOf(out)])).toEqual([]);
  });

  test('Sync calls that would clash', async () => {
    const { promise } = await halfWay();
    const [input, result] = [over(x), over(out)];
    const kernel = own(zeros([64, 1, 1, 1], { engine }));
    const other = own(zeros(x.shape, { engine }));
    expect(
      free([
        () => convTranspose2dSync(result, kernel),
        () => convTranspose2dSync(other, w, null, { ...SLOW.options, out: result }),
        () =>
          convTranspose2dBackwardSync(own(zeros(out.shape, { engine })), other, w, {
            ...SLOW.options,
            outGradInput: input,
            outputMask: [true, false, false],
          }),
      ]),
    ).toEqual([]);
    expect(codeOf(() => own(convTranspose2dSync(input, own(zeros([128, 1, 1, 1], { engine })))))).toBeUndefined();
    await promise;
  });

  test('a tensor that comes to lie under a wrap', async () => {
    const before = zeros([1024], { engine });
    const wrapped = over(before);
    before.dispose();
    const after = own(zeros([1024], { engine }));
    expect(after.ptr).toBe(wrapped.ptr);
    after.copyFrom(new Float32Array(1024).fill(2));
    expect(wrapped.toTypedArray()[5]).toBe(2);
    const promise = convTranspose2d(own(after.reshape(1, 1, 32, 32)), own(full([1, 1, 1, 1], 1, { engine })));
    expect(codeOf(() => wrapped.copyFrom(new Float32Array(1024)))).toBe('ERR_IN_USE');
    own(await promise);
    expect(codeOf(() => wrapped.copyFrom(new Float32Array(1024)))).toBeUndefined();
  });

  test('a wrap that was disposed counts as long as its call is pending', async () => {
    const input = engine.wrap(x.ptr, x.shape);
    const promise = convTranspose2d(input, w, null, { ...SLOW.options, out });
    input.dispose();
    await turns(2);
    expect(free(writesOf(x))).toEqual([]);
    await promise;
    expect(refused(writesOf(x))).toEqual([]);
  });
});

describe('a write through one', () => {
  test('is seen by packed copies of the other', () => {
    const weight = own(full([2, 1, 1, 1], 1, { engine }));
    const input = own(tensor([10, 1], [2, 1, 1], { engine }));
    const forward = (): number => own(convTranspose2dSync(input, weight)).item();
    expect(forward()).toBe(11);
    expect(engine.memory.bytesPacked).toBeGreaterThan(0);
    const wrapped = engine.wrap(weight.ptr, weight.shape);
    wrapped.copyFrom([2, 3]);
    expect(forward()).toBe(23);
    new Float32Array(engine.buffer, weight.ptr, 2).set([4, 5]); // as the owner of foreign bytes may
    expect(forward()).toBe(45);
    weight.commit();
    wrapped.copyFrom([6, 7]);
    expect(forward()).toBe(67);
    wrapped.copyFrom([8, 9]);
    wrapped.dispose();
    expect(forward()).toBe(89);
    expect(engine.memory.bytesPacked).toBe(0);
    weight.commit(); // nobody else is there: packed copies are kept again
    expect([forward(), forward()]).toEqual([89, 89]);
    expect(engine.memory.bytesPacked).toBeGreaterThan(0);
  });

  test('is a change of what forward saved of the other', () => {
    const m = own(new ConvTranspose2d(1, 1, 1, { engine }));
    const input = own(full([1, 1, 1, 1], 1, { engine }));
    const early = over(input);
    for (const write of [
      () => early.copyFrom([2]),
      () => over(input).copyFrom([3]),
      () => initializers.constant_(over(input), 4),
      () => {
        over(input);
        new Float32Array(engine.buffer, input.ptr, 1)[0] = 5;
      },
    ]) {
      const y = own(m.forwardSync(input));
      write();
      expect(codeOf(() => m.backwardSync(y))).toBe('ERR_MODIFIED');
    }
    const untouched = own(m.forwardSync(input));
    over(input);
    own(m.backwardSync(untouched));
  });
});
