/** Names of modules: what `toString`, messages and state dicts call them. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ConvTranspose2d, createEngine, Module, ReLU, Sequential, zeros } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { disposeOwned, own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.dispose());
afterEach(disposeOwned);

class Up extends ConvTranspose2d {}
class Block extends Sequential {}
class Clip extends ReLU {}

test('a subclass has the name of its class, as in PyTorch', async () => {
  const net = own(new Block({ up: new Up(2, 1, 2, { engine }), clip: new Clip() }));
  expect(String(net)).toBe('Block(\n  (up): Up(2, 1, kernel_size=(2, 2), stride=(1, 1))\n  (clip): Clip()\n)');
  const x = own(zeros([1, 1, 2, 2], { engine }));
  await expect(net.forward(x)).rejects.toThrow(/^Block\.forward\(up\): /);
  expect(() => (net.get('up') as Up).forwardSync(x)).toThrow(/^Up\.forwardSync: /);
  expect(() => new Up(0, 1, 2, { engine })).toThrow(/^Up: inChannels/);
  expect(() => net.loadStateDict({})).toThrow('loading state_dict for Block:');
});

test('lines of describeOptions come before the children, as those of extra_repr', () => {
  class Labelled extends Module {
    override describeOptions(): string {
      return 'first\nsecond';
    }
  }
  class Parent extends Labelled {
    readonly act: ReLU = new ReLU();
  }
  expect(String(new Labelled())).toBe('Labelled(\n  first\n  second\n)');
  expect(String(new Parent())).toBe('Parent(\n  first\n  second\n  (act): ReLU()\n)');
});

test('names in a Sequential: none empty, none with a dot, which would look like a path', () => {
  const argument = expect.objectContaining({ code: 'ERR_ARGUMENT' });
  expect(() => new Sequential({ '': new ReLU() })).toThrow(argument);
  expect(() => new Sequential({ 'a.b': new ReLU() })).toThrow("got 'a.b'");
  const nested = own(
    new Sequential({ a: new Sequential({ b: new Up(1, 1, 1, { engine, bias: false }) }), c: new Sequential({}) }),
  );
  expect(Object.keys(nested.stateDict())).toEqual(['a.b.weight']);
  expect(String(nested)).toBe(
    'Sequential(\n  (a): Sequential(\n    (b): Up(1, 1, kernel_size=(1, 1), stride=(1, 1), bias=False)\n  )\n  (c): Sequential()\n)',
  );
});
