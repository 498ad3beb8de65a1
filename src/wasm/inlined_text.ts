/** How the build writes a module into JavaScript. */

/**
 * Code point of byte 0 in the text of an inlined module, which has a character for each byte. As such it compresses as
 * well as the module itself, which base64 does not: its characters straddle bytes. Quotes are below this one.
 */
export const FIRST_CHARACTER = 37;

export function decodeInlined(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i) - FIRST_CHARACTER;
  return bytes;
}
