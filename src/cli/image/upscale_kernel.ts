/**
 * The transposed convolution that upscales by `scale`: a 4s x 4s kernel at stride s, so every output pixel is a weighted
 * sum of 4 x 4 input pixels, with other weights for each of the s x s phases.
 */
export interface UpscaleGeometry {
  readonly kernelSize: number;
  readonly stride: number;
  readonly padding: number;
  readonly outputPadding: number;
}

/** Input pixels on each side that an output pixel may look at. */
export const CONTEXT = 2;

/**
 * Geometry for an input that carries CONTEXT extra pixels on each side: (n + 2 * CONTEXT) -> n * scale per axis.
 * The padding crops what the extra pixels produce, so no output pixel ever sees the zeros beyond the input.
 * An even kernel cannot be centred on a pixel; for odd scales outputPadding shifts it by half a pixel.
 */
export function upscaleGeometry(scale: number): UpscaleGeometry {
  const cropped = Math.ceil(1.5 * scale);
  return {
    kernelSize: 4 * scale,
    stride: scale,
    padding: cropped + CONTEXT * scale,
    outputPadding: 2 * cropped - 3 * scale,
  };
}

/** Bilinear interpolation as a 4s x 4s kernel of `upscaleGeometry`; each of the s x s phases sums to 1. */
export function bilinearKernel(scale: number): Float32Array<ArrayBuffer> {
  const size = 4 * scale;
  const centre = Math.ceil(1.5 * scale) + (scale - 1) / 2;
  const axis = Array.from({ length: size }, (_, k) => Math.max(0, 1 - Math.abs(k - centre) / scale));
  return Float32Array.from({ length: size * size }, (_, i) => axis[Math.floor(i / size)] * axis[i % size]);
}
