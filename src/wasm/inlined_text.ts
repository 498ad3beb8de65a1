/** How the build writes a module into JavaScript, and how it is read there. */

/**
 * Code point of the first character of the text of an inlined module, which has a character for each byte. As such it
 * compresses as well as the module itself, which base64 does not: its characters straddle bytes. Quotes are below it.
 */
const FIRST_CHARACTER = 37;

/**
 * The byte that this character stands for; the next ones follow, and 0 follows 255. So what is frequent, the prefix 0xfd
 * of vector instructions and all small numbers, is ASCII: 2 % less, compressed.
 */
const FIRST_BYTE = 0xf8;

/** Uint8Array keeps the lowest eight bits. */
export function decodeInlined(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i) - FIRST_CHARACTER + FIRST_BYTE;
  return bytes;
}

/** The text of an inlined module. */
export function encodeInlined(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(((byte - FIRST_BYTE) & 255) + FIRST_CHARACTER)).join('');
}
