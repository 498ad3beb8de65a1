/** Pictures from files, as the shared code of the command line takes them. */

import { SMALLEST_SIDE } from '../../src/cli/image/holdout.ts';
import type { Picture } from '../../src/cli/image/picture.ts';

/** Larger photos are reduced: the page holds several copies, and a comparison shows no more. */
const LARGEST_SIDE = 1024;

export interface Photo {
  readonly name: string;
  readonly picture: Picture;
  /** Whether the file held more pixels. */
  readonly reduced: boolean;
}

/** What the page tells in its own words instead of failing. */
export class PhotoError extends Error {
  override readonly name = 'PhotoError';
}

/** Decodes what the browser can decode, turned as the camera was held; transparent parts become white. */
export async function readPhoto(file: Blob, name: string): Promise<Photo> {
  const bitmap = await createImageBitmap(file).catch((cause: unknown) => {
    throw new PhotoError(`“${name}” is not a picture that this browser can read.`, { cause });
  });
  const ratio = Math.min(1, LARGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * ratio));
  const height = Math.max(1, Math.round(bitmap.height * ratio));
  const context = new OffscreenCanvas(width, height).getContext('2d', { alpha: false })!;
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const data = new Uint8Array(context.getImageData(0, 0, width, height).data.buffer);
  return { name, reduced: ratio < 1, picture: { width, height, channels: 4, depth: 8, data } };
}

/** @throws PhotoError when nothing would be left to learn from at this scale */
export function checkSize({ name, picture: { width, height } }: Photo, scale: number): void {
  const smallest = SMALLEST_SIDE * scale;
  if (Math.min(width, height) >= smallest) return;
  throw new PhotoError(
    `“${name}” is too small: ${width} × ${height} pixels, ${smallest} × ${smallest} are needed at ${scale}×.`,
  );
}
