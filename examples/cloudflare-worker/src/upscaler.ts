/** Layers with trained weights, shared by all requests of an isolate. */

import { ConvTranspose2d, createEngineSync, upscaleImageSync } from 'upconv';
import { readSafetensors } from 'upconv/safetensors';
import type { Bucket } from './environment.ts';
import type { Scale } from './geometry.ts';
import { geometryOf } from './geometry.ts';
import { readPicture, withMargin, writePicture } from './pictures.ts';

const engine = createEngineSync();
/** Finished layers alone: a promise of one would belong to the request that began it, and may never settle. */
const layers = new Map<Scale, ConvTranspose2d>();

/** The layer for a scale; each request that comes before there is one fetches the weights itself. */
export async function layerFor(scale: Scale, weights: Bucket): Promise<ConvTranspose2d> {
  const known = layers.get(scale);
  if (known !== undefined) return known;
  const object = await weights.get(`x${scale}.safetensors`);
  if (object === null) throw new Error(`no weights for scale ${scale}: see README.md`);
  const bytes = await object.arrayBuffer();
  const made = layers.get(scale); // by another request, meanwhile
  if (made !== undefined) return made;
  const { kernelSize, ...geometry } = geometryOf(scale);
  const layer = new ConvTranspose2d(1, 1, kernelSize, { ...geometry, bias: false, engine });
  layer.loadStateDict(readSafetensors(bytes));
  layers.set(scale, layer.eval());
  return layer;
}

/**
 * A PNG, upscaled. Waits for nothing: a request that is aborted while it waits would leave its memory behind.
 * @throws {Refusal} for a picture that is none, or too large
 */
export function upscale(layer: ConvTranspose2d, file: Uint8Array, scale: Scale): Uint8Array {
  const { data, width, height } = upscaleImageSync(layer, withMargin(readPicture(file, scale)));
  return writePicture(data, width, height);
}
