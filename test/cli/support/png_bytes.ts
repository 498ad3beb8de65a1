import { crc32, deflateSync } from 'node:zlib';

/** Fields of a PNG written by hand, to cover forms the encoder of the program never writes. */
export interface PngForm {
  readonly width: number;
  readonly height: number;
  readonly bits: 1 | 2 | 4 | 8 | 16;
  readonly colourType: 0 | 2 | 3 | 4 | 6;
  readonly interlaced?: boolean;
  /** Chunks between header and data: [type, content]. */
  readonly chunks?: readonly (readonly [string, readonly number[]])[];
  /** Sample `channel` of pixel (x, y). */
  readonly sample: (x: number, y: number, channel: number) => number;
}

const CHANNELS = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 } as const;
/** Adam7: first column, first row, column step, row step. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** Bytes of the PNG, rows unfiltered. */
export function pngBytes(form: PngForm): Buffer {
  const { width, height, bits, colourType, interlaced = false, chunks = [] } = form;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bits, colourType, 0, 0, interlaced ? 1 : 0], 8);
  const passes = interlaced ? PASSES : [[0, 0, 1, 1] as const];
  const rows = passes.flatMap(([x0, y0, dx, dy]) => passRows(form, x0, y0, dx, dy));
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    ...chunks.map(([type, content]) => chunk(type, Buffer.from(content))),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function passRows(form: PngForm, x0: number, y0: number, dx: number, dy: number): Buffer[] {
  const rows: Buffer[] = [];
  if (x0 >= form.width) return rows;
  for (let y = y0; y < form.height; y += dy) {
    let text = '';
    for (let x = x0; x < form.width; x += dx) {
      for (let c = 0; c < CHANNELS[form.colourType]; c++)
        text += form.sample(x, y, c).toString(2).padStart(form.bits, '0');
    }
    const bytes = text.padEnd(Math.ceil(text.length / 8) * 8, '0').match(/.{8}/g)!;
    rows.push(Buffer.from([0, ...bytes.map((byte) => Number.parseInt(byte, 2))]));
  }
  return rows;
}

function chunk(type: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const frame = Buffer.alloc(8 + body.length);
  frame.writeUInt32BE(content.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), 4 + body.length);
  return frame;
}
