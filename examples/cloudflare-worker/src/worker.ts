/**
 * Upscales pictures: one for an HTTP request, many through a queue, whose consumers the platform starts as needed.
 *
 *   POST /upscale?scale=2   PNG in, PNG out
 *   POST /batch             { "keys": ["a.png", …], "scale": 2 }: pictures of the bucket, to `upscaled/x2/a.png`
 */

import type { Environment, Job, Message } from './environment.ts';
import { SCALES } from './geometry.ts';
import type { Scale } from './geometry.ts';
import { MAXIMUM_BYTES } from './pictures.ts';
import { Refusal } from './refusal.ts';
import { layerFor, upscale } from './upscaler.ts';

/** Of one call of `sendBatch`. */
const MAXIMUM_JOBS = 100;

function checkScale(value: unknown): Scale {
  const scale = SCALES.find((known) => known === Number(value));
  if (scale === undefined) throw new Refusal(400, `scale: one of ${SCALES.join(', ')}, got ${String(value)}`);
  return scale;
}

/** The body, unless it is too large. */
async function bodyOf(request: Request): Promise<Uint8Array> {
  if (request.body === null) throw new Refusal(400, 'no picture: send a PNG as the body');
  const chunks: Uint8Array[] = [];
  let length = Number(request.headers.get('content-length') ?? 0);
  if (length <= MAXIMUM_BYTES) {
    length = 0;
    for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > MAXIMUM_BYTES) break;
      chunks.push(chunk);
    }
  }
  if (length > MAXIMUM_BYTES) throw new Refusal(413, `at most ${MAXIMUM_BYTES} bytes`);
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

async function upscaleBody(request: Request, url: URL, { WEIGHTS }: Environment): Promise<Response> {
  const scale = checkScale(url.searchParams.get('scale') ?? 2);
  const file = await bodyOf(request);
  const layer = await layerFor(scale, WEIGHTS);
  return new Response(upscale(layer, file, scale) as Uint8Array<ArrayBuffer>, {
    headers: { 'Content-Type': 'image/png' },
  });
}

async function queueBatch(request: Request, { JOBS }: Environment): Promise<Response> {
  let given: { keys?: unknown; scale?: unknown } | null;
  try {
    given = (await request.json()) as typeof given;
  } catch {
    throw new Refusal(400, 'the body is not JSON');
  }
  const { keys, scale: asked = 2 } = given ?? {};
  const scale = checkScale(asked);
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MAXIMUM_JOBS) {
    throw new Refusal(400, `keys: 1 to ${MAXIMUM_JOBS} names of pictures`);
  }
  if (!keys.every((key): key is string => typeof key === 'string' && key.endsWith('.png'))) {
    throw new Refusal(400, 'keys: names that end in .png');
  }
  await JOBS.sendBatch(keys.map((key) => ({ body: { key, scale } })));
  return Response.json({ queued: keys.length }, { status: 202 });
}

async function runJob({ key, scale: asked }: Job, { WEIGHTS, PICTURES }: Environment): Promise<void> {
  const scale = checkScale(asked);
  const object = await PICTURES.get(key);
  if (object === null) throw new Refusal(404, `${key} is not there`);
  const file = new Uint8Array(await object.arrayBuffer());
  if (file.length > MAXIMUM_BYTES) throw new Refusal(413, `${key}: at most ${MAXIMUM_BYTES} bytes`);
  const layer = await layerFor(scale, WEIGHTS);
  const result = upscale(layer, file, scale);
  await PICTURES.put(`upscaled/x${scale}/${key}`, result, { httpMetadata: { contentType: 'image/png' } });
}

async function answer(request: Request, environment: Environment): Promise<Response> {
  const url = new URL(request.url);
  if (url.pathname !== '/upscale' && url.pathname !== '/batch') throw new Refusal(404, 'POST /upscale or /batch');
  if (request.method !== 'POST') throw new Refusal(405, 'POST a picture');
  return url.pathname === '/batch' ? queueBatch(request, environment) : upscaleBody(request, url, environment);
}

export default {
  async fetch(request: Request, environment: Environment): Promise<Response> {
    try {
      return await answer(request, environment);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, message } = error;
      return new Response(`${message}\n`, { status, headers: status === 405 ? { Allow: 'POST' } : {} });
    }
  },

  /** What cannot be done is said and done with; what failed is tried again, and goes to the dead letters in the end. */
  async queue({ messages }: { messages: readonly Message[] }, environment: Environment): Promise<void> {
    for (const message of messages) {
      try {
        await runJob(message.body, environment);
        message.ack();
      } catch (error) {
        console.error(`${message.body.key}: ${String(error)}`);
        if (error instanceof Refusal) message.ack();
        else message.retry();
      }
    }
  },
};
