/** A library that computes elsewhere: in a thread or process of its own, which times itself. */

import type { Operation, Peer, Results } from './peer.ts';

/** What the other side understands; it answers one request before it takes the next. */
export type Request =
  | { readonly do: 'open'; readonly problem: unknown }
  | { readonly do: 'time' | 'results'; readonly call: string }
  | { readonly do: 'close' };

export type Reply = { readonly reply: unknown } | { readonly error: string };

/** @throws what the other side could not do */
export type Ask = (request: Request) => Promise<unknown>;

/** @throws the error of the other side */
export function contentOf(message: Reply): unknown {
  if ('error' in message) throw new Error(message.error);
  return message.reply;
}

/**
 * Null when the other side does not take the layer.
 * @param read turns the reply to `results` into numbers
 */
export async function openRemotePeer(
  ask: Ask,
  problem: unknown,
  read: (reply: unknown) => Results | Promise<Results>,
): Promise<Peer | null> {
  const operations = (await ask({ do: 'open', problem })) as Operation[] | null;
  if (operations === null) return null;
  const calls = operations.map((call) => [
    call,
    {
      time: async () => (await ask({ do: 'time', call })) as number,
      results: async () => read(await ask({ do: 'results', call })),
    },
  ]);
  return {
    calls: Object.fromEntries(calls) as Peer['calls'],
    close: async () => void (await ask({ do: 'close' })),
  };
}
