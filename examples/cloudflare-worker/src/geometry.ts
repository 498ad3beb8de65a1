/** The layer that upscales: every pixel of the result is a weighted sum of 4 x 4 pixels. */

export const SCALES = [2, 3, 4] as const;
export type Scale = (typeof SCALES)[number];

/** Pixels around the picture that the layer reads: the edge, repeated, so that no zeros are mixed in. */
export const MARGIN = 2;

export interface Geometry {
  readonly kernelSize: number;
  readonly stride: number;
  readonly padding: number;
  readonly outputPadding: number;
}

/** Of a layer from (n + 2 · MARGIN) to n · scale per axis: `padding` crops what the margin makes. */
export function geometryOf(scale: Scale): Geometry {
  const cropped = Math.ceil(1.5 * scale);
  return {
    kernelSize: 4 * scale,
    stride: scale,
    padding: cropped + MARGIN * scale,
    outputPadding: 2 * cropped - 3 * scale,
  };
}
