/**
 * A Worker that posts too much to another one: `?bytes=n` zeros, or without it zeros until there is an answer. Over a
 * socket that answer can be lost, when the connection ends while the body is still being written (RFC 9112, 9.6).
 */

interface Environment {
  readonly APP: { fetch(url: string, init: RequestInit): Promise<Response> };
}

const PIECE_BYTES = 2 ** 20;

const endless = (): ReadableStream =>
  new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(PIECE_BYTES)) });

export default {
  async fetch(request: Request, { APP }: Environment): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const bytes = searchParams.get('bytes');
    const body = bytes === null ? endless() : new Uint8Array(Number(bytes));
    return APP.fetch(`http://app${pathname}`, { method: 'POST', body });
  },
};
