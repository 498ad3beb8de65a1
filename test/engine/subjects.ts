/** What may be refused memory, or get it in odd places: work on operands that are there, named by the public function that it is about. */

import * as upconv from '../../src/index.ts';
import type { Engine, Module, Tensor } from '../../src/index.ts';
import type { Operand } from '../support/function_cases.ts';
import { contentOf, FUNCTION_CASES } from '../support/function_cases.ts';
import { own } from '../support/owned.ts';
import { picture } from '../support/pictures.ts';
import { randomFloat32 } from '../support/random.ts';

/** Does it all over again each time; what it makes is owned; returns what came out as data. */
export type Work = () => unknown;

const count = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);
const make = (engine: Engine, shape: readonly number[], seed = 1): Tensor =>
  upconv.tensor(randomFloat32(count(shape), seed), shape, { engine });
const dataOf = (t: Tensor): unknown => own(t).toTypedArray();

/** Every function of the table, both forms, with tensors and with plain objects. */
const FUNCTIONS = FUNCTION_CASES.flatMap((c): [string, (engine: Engine) => Work][] => {
  const shapes = Object.values(c.operands);
  const likes = shapes.map((shape, index): Operand => ({ data: randomFloat32(count(shape), index + 1), shape }));
  const tensors = (engine: Engine): Tensor[] => shapes.map((shape, index) => make(engine, shape, index + 1));
  // losses take their engine from a tensor
  const mixed = (engine: Engine): Operand[] => [make(engine, shapes[0]), ...likes.slice(1)];
  return [
    [
      c.name,
      (engine) =>
        (
          (operands) => async () =>
            contentOf(await c.call(operands, {}))
        )(tensors(engine)),
    ],
    [
      `${c.name}Sync`,
      (engine) =>
        (
          (operands) => () =>
            contentOf(c.callSync(operands, {}))
        )(tensors(engine)),
    ],
    [
      `${c.name}Sync of plain objects`,
      (engine) =>
        (
          (operands) => () =>
            contentOf(c.callSync(operands, {}))
        )(mixed(engine)),
    ],
  ];
});

const TENSORS: Record<string, (engine: Engine, t: Tensor) => unknown> = {
  tensor: (engine) => dataOf(upconv.tensor([1, 2, 3], undefined, { engine })),
  zeros: (engine) => dataOf(upconv.zeros([40], { engine })),
  rand: (engine) => dataOf(upconv.rand([40], { engine, generator: upconv.createGenerator(1) })),
  randn: (engine) => dataOf(upconv.randn([40], { engine, generator: upconv.createGenerator(1) })),
  clone: (_, t) => dataOf(own(t.transpose(0, 2)).clone()),
  contiguous: (_, t) => dataOf(own(t.transpose(0, 2)).contiguous()),
  'contiguous channelsLast': (_, t) => dataOf(t.contiguous({ memoryFormat: 'channelsLast' })),
  'reshape that copies': (_, t) => dataOf(own(t.transpose(0, 2)).reshape(-1)),
  'to float64': (_, t) => dataOf(own(t.transpose(0, 2)).to('float64')),
  'to float16': (_, t) => dataOf(own(t.transpose(0, 2)).to('float16')),
  'from float16': (_, t) => dataOf(own(own(t.to('float16')).transpose(0, 2)).to('float32')),
  'toTypedArray of a view': (_, t) => own(t.transpose(0, 2)).toTypedArray(),
  'copyTo of a view': (_, t) => {
    const target = new Float32Array(t.size);
    own(t.transpose(0, 2)).copyTo(target);
    return target;
  },
  'toArray of a view': (_, t) => own(t.transpose(0, 2)).toArray(),
  'copyFrom numbers into a view': (engine, t) => {
    const target = own(upconv.zeros([4, 3, 2], { engine }));
    own(target.transpose(0, 2)).copyFrom(t.toTypedArray());
    return target.toTypedArray();
  },
  'copyFrom a tensor of another dtype': (engine, t) => {
    const target = own(upconv.zeros([4, 3, 2], { engine, dtype: 'float64' }));
    own(target.transpose(0, 2)).copyFrom(t);
    return target.toTypedArray();
  },
  fromPixels: (engine) => dataOf(upconv.fromPixels(picture(5, 3), { engine })),
  toPixels: (_, t) => upconv.toPixels(own(own(t.narrow(0, 0, 1)).narrow(1, 0, 1))),
};

const layer = (engine: Engine): upconv.ConvTranspose2d =>
  own(new upconv.ConvTranspose2d(3, 4, 3, { stride: 2, engine, generator: upconv.createGenerator(3) }));
const network = (engine: Engine): Module =>
  own(
    new upconv.Sequential(
      layer(engine),
      own(new upconv.BatchNorm2d(4, { engine })),
      own(new upconv.PReLU(4, { engine })),
      own(new upconv.Conv2d(4, 2, 3, { engine, activation: 'tanh', generator: upconv.createGenerator(4) })),
    ),
  );
const stateOf = (m: Module): unknown => m.parameters().map((p) => [p.toTypedArray(), p.grad?.toTypedArray()]);

const MODULES: Record<string, (engine: Engine, x: Tensor) => unknown> = {
  'a training step of SGD': async (engine, x) => {
    const m = network(engine);
    const optimizer = own(new upconv.SGD(m.parameters(), { lr: 0.1, momentum: 0.9 }));
    const y = own(await m.forward(x));
    const loss = own(await upconv.mseLoss(y, y));
    own(await m.backward(loss.gradOutput));
    await optimizer.step();
    return stateOf(m);
  },
  'a Sync training step of Adam': (engine, x) => {
    const m = network(engine);
    const optimizer = own(new upconv.Adam(m.parameters()));
    const y = own(m.forwardSync(x));
    own(m.backwardSync(y));
    optimizer.stepSync();
    return stateOf(m);
  },
  'loadStateDict of an optimiser': (engine, x) => {
    const m = layer(engine);
    const [from, to] = [own(new upconv.Adam(m.parameters())), own(new upconv.Adam(m.parameters()))];
    own(m.backwardSync(own(m.forwardSync(x))));
    from.stepSync();
    to.loadStateDict(from.stateDict());
    to.stepSync();
    return stateOf(m);
  },
  vjp: async (engine, x) => {
    const m = layer(engine);
    const pass = own(await m.vjp(x));
    return [dataOf(pass.output), dataOf(await pass.backward(pass.output)), stateOf(m)];
  },
  loadStateDict: (engine) => {
    const [from, to] = [network(engine), network(engine)];
    to.loadStateDict(from.stateDict());
    return stateOf(to);
  },
  'loadStateDict in weight normalisation': (engine) => {
    const m = own(new upconv.ConvTranspose1d(2, 1, 2, { engine, bias: false }));
    m.loadStateDict({
      weight_g: { shape: [2, 1, 1], data: [10, 26] },
      weight_v: { shape: [2, 1, 2], data: [3, 4, 5, 12] },
    });
    return stateOf(m);
  },
  'prepare and freeze': async (engine, x) => {
    const m = layer(engine).eval();
    await m.prepare(x.shape);
    m.freeze();
    return dataOf(await m.forward(x));
  },
  'a lazy module': (engine, x) => {
    const generator = upconv.createGenerator(3);
    return dataOf(own(new upconv.LazyConvTranspose2d(4, 3, { engine, generator })).forwardSync(x));
  },
  packWeight: (engine, x) => {
    const m = layer(engine);
    const packed = own(upconv.packWeight(m.weight, { stride: 2 }));
    return dataOf(upconv.convTranspose2dSync(x, packed, m.bias, { stride: 2 }));
  },
  upscaleImage: async (engine) => {
    const generator = upconv.createGenerator(5);
    const m = own(new upconv.ConvTranspose2d(1, 1, 4, { stride: 2, padding: 1, engine, generator }));
    return upconv.upscaleImage(m, picture(9, 12, 4), { tileRows: 5 });
  },
};

export const SUBJECTS: readonly [string, (engine: Engine) => Work][] = [
  ...FUNCTIONS,
  ...Object.entries(TENSORS).map(([name, use]): [string, (engine: Engine) => Work] => [
    name,
    (engine) =>
      (
        (t) => () =>
          use(engine, t)
      )(make(engine, [2, 3, 4])),
  ]),
  ...Object.entries(MODULES).map(([name, use]): [string, (engine: Engine) => Work] => [
    name,
    (engine) =>
      (
        (x) => () =>
          use(engine, x)
      )(make(engine, [2, 3, 4, 4])),
  ]),
];
