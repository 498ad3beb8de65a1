/** Lengths and checksums made right again in damaged files, so that a fuzzer gets behind them, and not into gigabytes. */

import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE_BYTES = 8;
/** Length and type before the content of a chunk, its checksum behind. */
const [HEAD, TAIL] = [8, 4];

const OPEN = 0x7b;
const CLOSE = 0x7d;
const NEWLINE = 0x0a;
const SPACE = 0x20;

/** A safetensors file whose length says where the braces of its header close. */
export function repairedSafetensors(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  let depth = 0;
  for (let at = 8; at < bytes.length; at++) {
    if (bytes[at] === OPEN) depth++;
    if (bytes[at] !== CLOSE || --depth > 0) continue;
    let end = at + 1;
    while (bytes[end] === SPACE) end++;
    new DataView(bytes.buffer).setBigUint64(0, BigInt(end - 8), true);
    break;
  }
  return bytes;
}

/** A .npy file of version 1 whose length says where its line ends. */
export function repairedNpy(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const end = bytes.indexOf(NEWLINE, 10);
  if (end > 0) new DataView(bytes.buffer).setUint16(8, end + 1 - 10, true);
  return bytes;
}

/** A PNG whose chunks have the checksums of their content, as far as their lengths lead. */
export function repairedChunks(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [bytes.subarray(0, SIGNATURE_BYTES)];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = SIGNATURE_BYTES;
  while (at + HEAD + TAIL <= bytes.length) {
    const length = view.getUint32(at);
    if (at + HEAD + length + TAIL > bytes.length) break;
    const type = bytes.subarray(at + 4, at + HEAD);
    parts.push(chunk(type, repairedStream(type, bytes.subarray(at + HEAD, at + HEAD + length))));
    at += HEAD + length + TAIL;
  }
  return Uint8Array.from(Buffer.concat([...parts, bytes.subarray(at)]));
}

function chunk(type: Uint8Array, content: Uint8Array): Uint8Array {
  const body = Buffer.concat([type, content]);
  const frame = Buffer.alloc(HEAD + content.length + TAIL);
  frame.writeUInt32BE(content.length, 0);
  frame.set(body, 4);
  frame.writeUInt32BE(crc32(body), 4 + body.length);
  return frame;
}

/** Rows whose stream ends early, or with another checksum, in a stream of their own. */
function repairedStream(type: Uint8Array, content: Uint8Array): Uint8Array {
  if (Buffer.from(type).toString('latin1') !== 'IDAT') return content;
  try {
    inflateSync(content);
    return content;
  } catch {
    return deflateSync(content); // the compressed bytes as rows: any filter, any level
  }
}

/** Pixels that a decoder may allocate for in a case: more have limits of their own. */
const MANY_PIXELS = 250_000;

/** Whether a header of a PNG, or any frame header of a JPEG, says that there are many pixels. */
export function claimsManyPixels(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 12 <= bytes.length; at++) {
    const isHeader = view.getUint32(at) === 0x49484452; // IHDR
    if (isHeader && view.getUint32(at + 4) * view.getUint32(at + 8) > MANY_PIXELS) return true;
    const isFrame = bytes[at] === 0xff && bytes[at + 1] >= 0xc0 && bytes[at + 1] <= 0xc2;
    if (isFrame && view.getUint16(at + 5) * view.getUint16(at + 7) > MANY_PIXELS) return true;
  }
  return false;
}
