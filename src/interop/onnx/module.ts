/** Modules with the geometry of ONNX's ConvTranspose. */

import type { Placement, SpatialRank } from '../../functional/conv_options.ts';
import type { Places } from '../../functional/placement.ts';
import { placedAt } from '../../functional/placement.ts';
import type { ConvTransposeModuleOptions } from '../../nn/conv_arguments.ts';
import { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from '../../nn/conv_transpose.ts';
import { pythonTuple } from '../../nn/python.ts';
import type { CheckedAttributes } from './attributes.ts';

type AnyConvTranspose = ConvTranspose1d | ConvTranspose2d | ConvTranspose3d;

/** With the attribute `output_shape`: the padding follows from it when the size of the input is known. */
function placed(Base: typeof ConvTranspose2d) {
  return class Placed extends Base {
    static override readonly typeName: string = Base.typeName;
    #places: Places = () => [];

    withPlaces(places: Places): this {
      this.#places = places;
      return this;
    }

    override get placement(): Placement {
      return placedAt(this.typeName, this.kernelSize.length as SpatialRank, this.#places);
    }

    /** Not `outputSize`, which has been decided. */
    override get forwardOptions(): readonly string[] {
      return ['signal', 'out'];
    }

    protected override describeOptions(): string {
      const places = this.#places(this.kernelSize, this.kernelSize); // the same of every input
      return `${super.describeOptions()}, output_shape=${pythonTuple(places.map(({ output }) => output))}`;
    }
  };
}

const MODULES = { 1: ConvTranspose1d, 2: ConvTranspose2d, 3: ConvTranspose3d } as const;
const PLACED = { 1: placed(ConvTranspose1d), 2: placed(ConvTranspose2d), 3: placed(ConvTranspose3d) } as const;

/**
 * @param weightShape (C, M/group, *kernel)
 * @param options other than geometry
 */
export function makeModule(
  weightShape: readonly number[],
  { strides, dilations, group, outputPadding, hasOutputShape, reach, places }: CheckedAttributes,
  options: ConvTransposeModuleOptions,
): AnyConvTranspose {
  const [inChannels, perGroup, ...kernel] = weightShape;
  const outChannels = perGroup * group;
  const axes = kernel.length as 1 | 2 | 3;
  const all = { ...options, stride: strides, dilation: dilations, groups: group };
  if (hasOutputShape) return new PLACED[axes](inChannels, outChannels, kernel, all).withPlaces(places);
  // without output_shape the padding is the same for every size of the input, 1 too
  const ofOne = places(
    kernel.map(() => 1),
    kernel,
  );
  const ends = ofOne.map(({ crop, output }, axis) => reach(axis, 1) - crop - output);
  return new MODULES[axes](inChannels, outChannels, kernel, {
    ...all,
    padding: ofOne.map(({ crop }, axis): [number, number] => [crop, Math.max(0, ends[axis])]),
    outputPadding: outputPadding.map((extra, axis) => extra + Math.max(0, -ends[axis])),
  });
}
