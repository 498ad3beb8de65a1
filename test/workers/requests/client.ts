/** A Worker that asks another one: only so is a request that was aborted really ended, as in the cloud. */

export interface Errand {
  readonly path: string;
  /** Posted, in base64; default: nothing, it is a GET. */
  readonly body?: string;
  /** For each request the milliseconds after which it is aborted, or null. */
  readonly aborts: readonly (number | null)[];
  /** How many are on their way at once. */
  readonly atOnce: number;
  /** What has not answered by then is aborted, too. */
  readonly limitMs: number;
}

/** An answer, of a POST its length, or why there is none. */
export type Answer = { readonly value: unknown } | { readonly error: string };

interface Environment {
  readonly APP: { fetch(url: string, init: RequestInit): Promise<Response> };
}

async function ask(app: Environment['APP'], { path, body }: Errand, abortMs: number): Promise<Answer> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), abortMs);
  try {
    const posted =
      body === undefined ? {} : { method: 'POST', body: Uint8Array.from(atob(body), (c) => c.charCodeAt(0)) };
    const response = await app.fetch(`http://app${path}`, { ...posted, signal: abort.signal });
    if (!response.ok) return { error: await response.text() };
    return { value: body === undefined ? await response.json() : (await response.arrayBuffer()).byteLength };
  } catch (error) {
    return { error: String(error) };
  } finally {
    clearTimeout(timer);
  }
}

export default {
  async fetch(request: Request, { APP }: Environment): Promise<Response> {
    const errand = (await request.json()) as Errand;
    const { aborts, atOnce, limitMs } = errand;
    const answers: Answer[] = [];
    let next = 0;
    const asking = async (): Promise<void> => {
      while (next < aborts.length) {
        const index = next++;
        answers[index] = await ask(APP, errand, aborts[index] ?? limitMs);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, asking));
    return Response.json(answers);
  },
};
