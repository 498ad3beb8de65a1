import { tensor, type ConvTranspose2d } from '../../index.ts';
import { allocateSamples, channelPlane, colourChannels, hasAlpha, maxSample } from '../image/picture.ts';
import type { Picture, Plane } from '../image/picture.ts';
import { bicubic, resample } from '../image/resample.ts';
import { CONTEXT } from '../image/upscale_kernel.ts';

/** Output samples computed at once: bounds the wasm memory whatever the size of the picture. */
const BAND_SAMPLES = 2 ** 20;

export interface ApplyOptions {
  readonly scale: number;
  /** Called after each band with the output rows done. */
  readonly onRows?: (done: number) => void;
}

/** Time spent in the forward passes and the arithmetic they did (2 per product and sum). */
export interface ForwardCost {
  readonly milliseconds: number;
  readonly flops: number;
}

/**
 * Planes `scale` times as large. Rows go through `module` (of `upscaleGeometry`) in bands, with the picture's edge
 * pixels repeated beyond the border.
 */
export async function upscalePlanes(
  module: ConvTranspose2d,
  planes: readonly Plane[],
  options: ApplyOptions & { readonly onBand: (firstRow: number, rows: number, values: Float32Array) => void },
): Promise<ForwardCost> {
  const { scale, onBand } = options;
  const { width, height } = planes[0];
  const bandRows = Math.max(1, Math.floor(BAND_SAMPLES / (planes.length * width * scale ** 2)));
  let milliseconds = 0;
  let flops = 0;
  for (let row = 0; row < height; row += bandRows) {
    const rows = Math.min(bandRows, height - row);
    const shape = [planes.length, 1, rows + 2 * CONTEXT, width + 2 * CONTEXT];
    const input = tensor(paddedRows(planes, row, rows), shape, { engine: module.weight.engine });
    try {
      const start = performance.now();
      const output = await module.forward(input);
      milliseconds += performance.now() - start;
      flops += 2 * input.size * module.weight.size;
      onBand(row * scale, rows * scale, output.data as Float32Array);
      output.dispose();
    } finally {
      input.dispose();
    }
    options.onRows?.((row + rows) * scale);
  }
  return { milliseconds, flops };
}

/** The whole picture `scale` times as large, in its own channels and depth: colours by `module`, alpha bicubic. */
export async function upscalePicture(
  module: ConvTranspose2d,
  picture: Picture,
  options: ApplyOptions,
): Promise<{ picture: Picture; cost: ForwardCost }> {
  const { channels, depth } = picture;
  const width = picture.width * options.scale;
  const height = picture.height * options.scale;
  const max = maxSample(depth);
  const data = allocateSamples(width * height * channels, depth);
  const store = (values: Float32Array, from: number, channel: number, firstRow: number, rows: number): void => {
    let to = firstRow * width * channels + channel;
    for (let i = from; i < from + rows * width; i++, to += channels) {
      data[to] = Math.round(Math.min(1, Math.max(0, values[i])) * max);
    }
  };
  const colours = Array.from({ length: colourChannels(picture) }, (_, c) =>
    channelPlane(picture, c, picture.width, picture.height),
  );
  const cost = await upscalePlanes(module, colours, {
    ...options,
    onBand(firstRow, rows, values) {
      for (let c = 0; c < colours.length; c++) store(values, c * rows * width, c, firstRow, rows);
    },
  });
  if (hasAlpha(picture)) {
    const alpha = channelPlane(picture, channels - 1, picture.width, picture.height);
    store(resample(alpha, width, height, bicubic).data, 0, channels - 1, 0, height);
  }
  return { picture: { width, height, channels, depth, data }, cost };
}

/** Rows `row` … `row + rows - 1` of every plane with CONTEXT pixels around, edge pixels repeated. */
export function paddedRows(planes: readonly Plane[], row: number, rows: number): Float32Array<ArrayBuffer> {
  const { width, height } = planes[0];
  const paddedWidth = width + 2 * CONTEXT;
  const padded = new Float32Array(planes.length * (rows + 2 * CONTEXT) * paddedWidth);
  let to = 0;
  for (const { data } of planes) {
    for (let y = row - CONTEXT; y < row + rows + CONTEXT; y++) {
      const from = Math.min(height - 1, Math.max(0, y)) * width;
      padded.fill(data[from], to, to + CONTEXT);
      padded.set(data.subarray(from, from + width), to + CONTEXT);
      padded.fill(data[from + width - 1], to + CONTEXT + width, to + paddedWidth);
      to += paddedWidth;
    }
  }
  return padded;
}
