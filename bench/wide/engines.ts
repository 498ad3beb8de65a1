/** Two engines in processes of their own, with and without vectors of 256 bits. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Engine } from '../../src/index.ts';
import type { Layer } from '../layers.ts';
import type { Errors } from './accuracy.ts';

export type WideRequest =
  | { readonly do: 'open'; readonly layer: Layer; readonly accuracy: boolean }
  | { readonly do: 'time'; readonly name: string; readonly endToEnd: boolean };

export interface OpenedLayer {
  /** Paths that the layer takes. */
  readonly algorithms: readonly string[];
  /** Of each, where they were asked for. */
  readonly errors: Readonly<Record<string, Errors>>;
}

export interface EngineProcess {
  readonly info: Engine['info'];
  readonly open: (layer: Layer, accuracy: boolean) => Promise<OpenedLayer>;
  /** Milliseconds of a forward pass, by the clock of the process. */
  readonly time: (name: string, endToEnd: boolean) => Promise<number>;
  readonly close: () => void;
}

export async function startEngine(wide: boolean): Promise<EngineProcess> {
  const child = fork(fileURLToPath(new URL('engine_process.ts', import.meta.url)), wide ? ['--wide'] : []);
  const next = async (): Promise<unknown> => ((await once(child, 'message')) as [unknown])[0];
  const ask = (request: WideRequest): Promise<unknown> => {
    child.send(request);
    return next();
  };
  return {
    info: (await next()) as Engine['info'],
    open: async (layer, accuracy) => (await ask({ do: 'open', layer, accuracy })) as OpenedLayer,
    time: async (name, endToEnd) => (await ask({ do: 'time', name, endToEnd })) as number,
    close: () => void child.kill(),
  };
}
