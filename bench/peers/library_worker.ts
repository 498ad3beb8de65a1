/** The other side of worker_library.ts. */

import { parentPort, workerData } from 'node:worker_threads';
import type { Library, Operation, Peer, PeerCall, Problem } from './peer.ts';
import type { Reply, Request } from './remote_peer.ts';
import type { Introduction, WorkerSettings } from './worker_library.ts';

const { module } = workerData as WorkerSettings;
let peer: Peer | null = null;

async function answer(library: Library, request: Request): Promise<unknown> {
  switch (request.do) {
    case 'open':
      peer = await library.open(request.problem as Problem);
      return peer && Object.keys(peer.calls);
    case 'close':
      return peer?.close();
    case 'time':
      return callOf(request.call).time();
    case 'results':
      return callOf(request.call).results();
  }
}

function callOf(name: string): PeerCall {
  return peer?.calls[name as Operation] as PeerCall;
}

async function send(content: Promise<unknown>): Promise<void> {
  let message: Reply;
  try {
    message = { reply: await content };
  } catch (error) {
    message = { error: String(error) };
  }
  parentPort?.postMessage(message, []);
}

async function load(): Promise<Introduction> {
  const { library } = (await import(new URL(module, import.meta.url).href)) as { readonly library: Library };
  parentPort?.on('message', (request: Request) => void send(answer(library, request)));
  return { version: library.version, isSlow: library.isSlow };
}

await send(load());
