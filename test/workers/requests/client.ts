/** A Worker that asks another one: only so is a request that was aborted really ended, as in the cloud. */

export interface Errand {
  readonly path: string;
  /** For each request the milliseconds after which it is aborted, or null. */
  readonly aborts: readonly (number | null)[];
  /** How many are on their way at once. */
  readonly atOnce: number;
  /** What has not answered by then is aborted, too. */
  readonly limitMs: number;
}

/** An answer, or why there is none. */
export type Answer = { readonly value: unknown } | { readonly error: string };

interface Environment {
  readonly APP: { fetch(url: string, init: RequestInit): Promise<Response> };
}

async function ask(app: Environment['APP'], path: string, abortMs: number): Promise<Answer> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), abortMs);
  try {
    const response = await app.fetch(`http://app${path}`, { signal: abort.signal });
    return response.ok ? { value: await response.json() } : { error: await response.text() };
  } catch (error) {
    return { error: String(error) };
  } finally {
    clearTimeout(timer);
  }
}

export default {
  async fetch(request: Request, { APP }: Environment): Promise<Response> {
    const { path, aborts, atOnce, limitMs } = (await request.json()) as Errand;
    const answers: Answer[] = [];
    let next = 0;
    const asking = async (): Promise<void> => {
      while (next < aborts.length) {
        const index = next++;
        answers[index] = await ask(APP, path, aborts[index] ?? limitMs);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, asking));
    return Response.json(answers);
  },
};
