import { CliError, isAllocationFailure } from '../errors.ts';
import { readInput } from '../files.ts';
import { decodeJpeg, isJpeg } from './jpeg.ts';
import type { Picture } from './picture.ts';
import { decodePng, isPng, pngSize } from './png.ts';

/** Decoders allocate what the header claims, so a few bytes could ask for gigabytes. */
const MAX_PIXELS = 100e6;

/** Reads a PNG or JPEG, told apart by content. Throws `CliError` naming the file. */
export function readPicture(file: string): Picture {
  return decodePicture(file, readInput(file));
}

/** The picture in the bytes of `file`. Throws `CliError` naming it. */
export function decodePicture(file: string, bytes: Uint8Array<ArrayBuffer>): Picture {
  if (isPng(bytes)) {
    const size = pngSize(bytes);
    if (size && size.width * size.height > MAX_PIXELS) {
      throw new CliError(
        `${file}: picture too large: ${size.width} x ${size.height}, at most ${MAX_PIXELS / 1e6} megapixels`,
      );
    }
    return decode(file, 'PNG', () => decodePng(bytes));
  }
  if (isJpeg(bytes)) return decode(file, 'JPEG', () => decodeJpeg(bytes));
  throw new CliError(`${file}: not a PNG or JPEG picture`);
}

function decode(file: string, format: string, decoder: () => Picture): Picture {
  try {
    return decoder();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (isAllocationFailure(error) || reason.includes('limit exceeded')) {
      throw new CliError(`${file}: picture too large to decode`, { cause: error });
    }
    throw new CliError(`${file}: truncated, damaged or unsupported ${format}`, { cause: error });
  }
}
