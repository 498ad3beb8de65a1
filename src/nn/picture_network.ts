/** Modules that map pictures to pictures, as layers whose parts can be computed alone. */

import type { Dtype } from '../core/dtype.ts';
import { ArgumentError, EngineError } from '../core/errors.ts';
import type { Procedure } from '../engine/call.ts';
import { perform } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import type { Storage } from '../engine/storage.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ActivationModule } from './activations.ts';
import { Conv2d } from './conv.ts';
import type { ConvModule } from './conv_module.ts';
import { ConvTranspose2d } from './conv_transpose.ts';
import { Module } from './module.ts';
import { PReLU } from './prelu.ts';
import type { AxisLayer, AxisPart, Range } from './receptive_field.ts';
import { lengthOf, outputLength, partFor } from './receptive_field.ts';
import { Sequential } from './sequential.ts';

/** A convolution with its two axes, or an activation, which has none. */
export interface PictureLayer {
  readonly module: Module;
  readonly axes: readonly [rows: AxisLayer, columns: AxisLayer] | null;
  /** Channels of the output. */
  readonly channels: number;
  /** The module activates its input into a copy first. */
  readonly copiesInput: boolean;
}

export interface PictureNetwork {
  readonly layers: readonly PictureLayer[];
  /** Channels of input and output. */
  readonly channels: 1 | 3;
  readonly dtype: Dtype;
  readonly engine: Engine;
  /** The modules that compute, and what holds them. */
  readonly modules: readonly Module[];
  /** What they read. */
  readonly storages: readonly Storage[];
}

/** A rectangle of a picture. */
export interface Region {
  readonly rows: Range;
  readonly columns: Range;
}

const EXPECTED = 'a ConvTranspose2d, or a Sequential of Conv2d, ConvTranspose2d and activations';

/** @throws {TypeError | ArgumentError} for modules that are not of this kind. */
export function pictureNetwork(operation: string, module: unknown): PictureNetwork {
  if (!(module instanceof Module)) throw new TypeError(`${operation}: module expected ${EXPECTED}`);
  const modules = flatten(module);
  const own = modules.find(({ hasOwnPasses }) => hasOwnPasses);
  if (own !== undefined)
    throw new ArgumentError(operation, 'module', EXPECTED, `${own.typeName} with passes of its own`);
  const convolutions = modules.filter((entry) => isConvolution(entry));
  if (convolutions.length === 0) throw new ArgumentError(operation, 'module', EXPECTED, module.typeName);
  let channels = convolutions[0].inChannels;
  const inChannels = channels;
  if (inChannels !== 1 && inChannels !== 3) {
    throw new ArgumentError(operation, 'module', '1 or 3 input channels', String(inChannels));
  }
  const layers = modules.map((entry): PictureLayer => {
    if (isConvolution(entry)) {
      channels = entry.outChannels;
      return {
        module: entry,
        axes: [axisOf(entry, 0), axisOf(entry, 1)],
        channels,
        copiesInput: entry.inputActivation !== 'none',
      };
    }
    if (!(entry instanceof ActivationModule || entry instanceof PReLU)) {
      throw new ArgumentError(operation, 'module', EXPECTED, entry.typeName);
    }
    return { module: entry, axes: null, channels, copiesInput: false };
  });
  if (channels !== inChannels) {
    throw new ArgumentError(operation, 'module', `${inChannels} output channels, as many as it reads`, `${channels}`);
  }
  const operands = module.operands();
  if (operands.some(({ disposed }) => disposed)) {
    throw new EngineError('ERR_DISPOSED', `${operation}: module is disposed`);
  }
  const [{ engine, dtype }] = convolutions[0].operands();
  const storages = operands.flatMap((operand) => ('storages' in operand ? operand.storages : [operand.storage]));
  return { layers, channels: inChannels, dtype, engine, modules: [module, ...modules], storages };
}

/** Nothing of the network is freed until the returned function is called, once. */
export function borrowNetwork(operation: string, { modules }: PictureNetwork): () => void {
  const ends: (() => void)[] = [];
  const end = (): void => {
    for (const free of ends.splice(0)) free();
  };
  try {
    for (const module of modules) ends.push(module.borrow(operation));
  } catch (error) {
    end();
    throw error;
  }
  return end;
}

function flatten(module: Module): Module[] {
  return module instanceof Sequential && !module.hasOwnPasses
    ? [...module].flatMap((child) => flatten(child))
    : [module];
}

/** Bands of a picture are placed by padding alone. */
function isConvolution(module: Module): module is Conv2d | ConvTranspose2d {
  return (module instanceof Conv2d || module instanceof ConvTranspose2d) && module.placement === undefined;
}

function axisOf(module: Conv2d | ConvTranspose2d, axis: number): AxisLayer {
  const [kernel, stride, dilation] = [module.kernelSize[axis], module.stride[axis], module.dilation[axis]];
  return {
    transposed: module instanceof ConvTranspose2d,
    kernel,
    stride,
    dilation,
    padding: paddingOf(module.padding, axis, (kernel - 1) * dilation),
    outputPadding: module.outputPadding[axis] ?? 0,
  };
}

function paddingOf(padding: Conv2d['padding'], axis: number, span: number): [number, number] {
  if (padding === 'valid') return [0, 0];
  if (padding === 'same') return [Math.floor(span / 2), span - Math.floor(span / 2)];
  const entry = padding[axis];
  return typeof entry === 'number' ? [entry, entry] : [...entry];
}

/** Rows and columns of the picture behind each layer, that of the input first. */
export function pictureSizes({ layers }: PictureNetwork, rows: number, columns: number): [number, number][] {
  const sizes: [number, number][] = [[rows, columns]];
  for (const { axes } of layers) {
    const [height, width] = sizes[sizes.length - 1];
    sizes.push(axes === null ? [height, width] : [outputLength(axes[0], height), outputLength(axes[1], width)]);
  }
  return sizes;
}

/** How to compute a part of one layer's output. */
export interface LayerPart {
  /** What the layer reads. */
  readonly input: Region;
  readonly output: Region;
  /** Of a convolution, per axis. */
  readonly axes: readonly [AxisPart, AxisPart] | null;
}

/** What each layer computes for `region` of the last one's output, in order. */
export function layerParts(
  { layers }: PictureNetwork,
  sizes: readonly (readonly [number, number])[],
  region: Region,
): LayerPart[] {
  const parts: LayerPart[] = [];
  let output = region;
  for (let position = layers.length - 1; position >= 0; position--) {
    const { axes } = layers[position];
    const [height, width] = sizes[position];
    const axisParts =
      axes === null
        ? null
        : ([partFor(axes[0], height, output.rows), partFor(axes[1], width, output.columns)] as const);
    const input = axisParts === null ? output : { rows: axisParts[0].input, columns: axisParts[1].input };
    parts.unshift({ input, output, axes: axisParts });
    output = input;
  }
  return parts;
}

/**
 * The part of the last layer's output, (images, channels, rows, columns).
 * @param input the part that the first layer reads; freed, whatever happens
 */
export function* computeParts(
  operation: string,
  { layers }: PictureNetwork,
  parts: readonly LayerPart[],
  input: Tensor,
): Procedure<Tensor> {
  let current = input;
  const replace = (next: Tensor): void => {
    current.dispose();
    current = next;
  };
  try {
    for (const [position, { module }] of layers.entries()) {
      const { axes, output } = parts[position];
      if (axes === null) {
        const { output: activated } = yield* module.forwardSteps(operation, current, {}, false);
        replace(activated);
        continue;
      }
      const padding = axes.map((axis) => axis.padding);
      const outputPadding = axes.map((axis) => axis.outputPadding);
      replace(yield* perform((module as ConvModule).beginPart(operation, current, padding, outputPadding)));
      axes.forEach(({ skip }, axis) => {
        const length = lengthOf(axis === 0 ? output.rows : output.columns);
        if (current.shape[2 + axis] !== length) replace(current.narrow(2 + axis, skip, length));
      });
    }
    return current;
  } catch (error) {
    current.dispose();
    throw error;
  }
}
