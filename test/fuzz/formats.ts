/** The formats that the package reads: valid files to damage, how each is read, and how it may refuse. */

import jpeg from 'jpeg-js';
import type { Engine } from '../../src/index.ts';
import { UpconvError } from '../../src/index.ts';
import { CliError } from '../../src/cli/errors.ts';
import type { Picture } from '../../src/cli/image/picture.ts';
import { encodePng } from '../../src/cli/image/png.ts';
import { decodePicture } from '../../src/cli/image/read_picture.ts';
import { readNpy, readNpz, writeNpy, writeNpz } from '../../src/npy.ts';
import type { FileTensor } from '../../src/npy.ts';
import { loadConvTransposes } from '../../src/onnx.ts';
import { readSafetensors, writeSafetensors } from '../../src/safetensors.ts';
import { pngBytes } from '../cli/support/png_bytes.ts';
import { encodeGraph, encodeModel, encodeNode, encodeTensor, rawTensor } from '../interop/onnx/encode_model.ts';
import { randomFloat32 } from '../support/random.ts';
import { claimsManyPixels, repairedChunks, repairedNpy, repairedSafetensors } from './repair.ts';

export interface Format {
  readonly name: string;
  readonly valid: readonly Uint8Array[];
  /** What it holds, as plain data. */
  readonly read: (bytes: Uint8Array<ArrayBuffer>, engine: Engine) => unknown;
  /** The errors that reading may throw. */
  readonly refuses: (error: unknown) => boolean;
  /** Makes lengths and checksums right again, which would hide what lies behind them. */
  readonly repair?: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;
  /** True for files that are large on purpose: refused by a limit of their own, which has its test. */
  readonly leaveOut?: (bytes: Uint8Array) => boolean;
}

const floats = (shape: readonly number[]): { shape: readonly number[]; data: Float32Array<ArrayBuffer> } => ({
  shape,
  data: randomFloat32(shape.reduce((product, length) => product * length, 1), 1), // prettier-ignore
});
const state = { weight: floats([2, 3, 2, 2]), bias: floats([3]), half: { ...floats([2]), type: 'float16' } };
const integers = { shape: [3], data: Uint16Array.of(1, 2, 0x7c00), type: 'float16' } as const;

const isOurs = (error: unknown): boolean => error instanceof UpconvError;
/** Checks that there are as many elements as the shape says. */
function content({ shape, type, data }: FileTensor): unknown {
  const count = shape.reduce((product, length) => product * length, 1);
  if (data.length !== count) throw new Error(`${data.length} elements for shape ${shape.join(' x ')}`);
  return { shape, type, data };
}
const contents = (tensors: Record<string, FileTensor>): unknown =>
  Object.keys(tensors).map((name) => [name, content(tensors[name])]);

/** A .npy file of this header, as NumPy pads it. */
function npyOf(header: string, data: ArrayBufferView): Uint8Array<ArrayBuffer> {
  const text = `${header.padEnd(117)}\n`;
  const magic = [0x93, ...Buffer.from('NUMPY'), 1, 0, text.length, 0];
  return Uint8Array.from([...magic, ...Buffer.from(text), ...new Uint8Array(data.buffer)]);
}

const ATTRIBUTES = { strides: [2, 2], pads: [1, 1, 1, 1], kernel_shape: [2, 2], group: 1 };
const weight = rawTensor('w', [2, 3, 2, 2], floats([2, 3, 2, 2]).data);
const bias = encodeTensor('b', [3], 'float32', (writer) => writer.writePackedFloat(4, [1, 2, 3]));
const node = encodeNode({ name: 'up', inputs: ['x', 'w', 'b'], attributes: ATTRIBUTES });
const constant = encodeNode({
  type: 'Constant',
  inputs: [],
  outputs: ['w'],
  attributes: { value: { tensor: weight } },
});
const inner = encodeNode({ type: 'If', attributes: { then_branch: { graph: encodeGraph([node]) } } });

const sample = (x: number, y: number, channel: number): number => (x * 3 + y * 5 + channel) % 2;
const picture: Picture = {
  width: 7,
  height: 5,
  channels: 3,
  depth: 8,
  data: new Uint8Array(105).map((_, i) => i * 37),
};
const rgba = Uint8Array.from({ length: 20 * 17 * 4 }, (_, i) => (i * i * 31) % 251);
const photo = new Uint8Array(jpeg.encode({ width: 20, height: 17, data: rgba }, 60).data);
/** Read as progressive: another decoder. */
const progressive = photo.map((byte, at) => (photo[at - 1] === 0xff && byte === 0xc0 ? 0xc2 : byte));

export const FORMATS: readonly Format[] = [
  {
    name: 'safetensors',
    valid: [writeSafetensors(state), writeSafetensors({ a: floats([0]), b: floats([]) })],
    read: (bytes) => contents(readSafetensors(bytes)),
    refuses: isOurs,
    repair: repairedSafetensors,
  },
  {
    name: 'npy',
    valid: [
      writeNpy(state.weight),
      writeNpy(integers),
      npyOf("{'descr': '<i8', 'fortran_order': True, 'shape': (2, 3), }", BigInt64Array.of(1n, 2n, 3n, 4n, 5n, 6n)),
      npyOf("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", Uint8Array.of(0, 1, 1)),
      npyOf("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", Float32Array.of(1)),
    ],
    read: (bytes) => content(readNpy(bytes)),
    refuses: isOurs,
    repair: repairedNpy,
  },
  {
    name: 'npz',
    valid: [writeNpz(state), writeNpz(state, { compress: true }), writeNpz({})],
    read: (bytes) => contents(readNpz(bytes)),
    refuses: isOurs,
  },
  {
    name: 'onnx',
    valid: [encodeModel([node], [weight, bias]), encodeModel([constant, inner], [bias])],
    read: (bytes, engine) => {
      const modules = loadConvTransposes(bytes, { engine });
      try {
        return Object.entries(modules).map(([name, module]) => [
          name,
          module.toString(),
          module.parameters().map((parameter) => parameter.toTypedArray()),
        ]);
      } finally {
        for (const module of Object.values(modules)) module.dispose();
      }
    },
    refuses: isOurs,
  },
  {
    name: 'PNG',
    valid: [
      encodePng(picture),
      pngBytes({ width: 9, height: 6, bits: 1, colourType: 0, interlaced: true, sample }),
      pngBytes({ width: 4, height: 3, bits: 16, colourType: 6, sample }),
      pngBytes({ width: 5, height: 4, bits: 4, colourType: 3, chunks: [['PLTE', [1, 2, 3, 4, 5, 6]], ['tRNS', [9]]], sample }), // prettier-ignore
    ],
    read: (bytes) => decodePicture('a.png', bytes),
    refuses: (error) => error instanceof CliError,
    repair: repairedChunks,
    leaveOut: claimsManyPixels,
  },
  {
    name: 'JPEG',
    valid: [photo, progressive],
    read: (bytes) => decodePicture('a.jpg', bytes),
    refuses: (error) => error instanceof CliError,
    leaveOut: claimsManyPixels,
  },
];
