/** What a run found: the content of the JSON report. */

import type { Timing } from '../src/cli/benchmark/interleave.ts';

export type PeerResult = (Timing & { readonly maxRelativeError: number }) | { readonly failure: string };

export interface LayerResult {
  readonly name: string;
  readonly model: string;
  readonly cin: number;
  readonly cout: number;
  /** Operations of the forward pass by its definition; each gradient counts as many. */
  readonly flops: number;
  /** Input and weight in wasm memory, weight packed, output allocated by each call. */
  readonly resident: Timing;
  /** Float32Array in, Float32Array out. */
  readonly endToEnd: Timing;
  readonly gradInput: Timing;
  readonly gradWeight: Timing;
  /** Forward and both gradients. */
  readonly forwardBackward: Timing;
  /** Largest workspace of forward and backward. */
  readonly workspaceBytes: number;
  /** Of output, gradInput and gradWeight: 1 is the most that rounding explains. */
  readonly errorInBounds: number;
  readonly peers: Readonly<Record<string, PeerResult>>;
}

export interface Report {
  readonly date: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGib: number;
    readonly system: string;
  };
  readonly node: string;
  /** Name and version of the libraries beside ours. */
  readonly peers: Readonly<Record<string, string>>;
  readonly variant: string;
  readonly microkernel: string;
  readonly loadAverageAtStart: number;
  readonly secondsPerLayer: number;
  readonly repetitions: number;
  /** GFLOP/s of one core on registers only. */
  readonly peak: { readonly median: number; readonly least: number; readonly most: number };
  readonly layers: readonly LayerResult[];
}

/** A result further from ours than this, relative to the largest element, is another result. */
const PEER_TOLERANCE = 1e-4;

export function gflops(flops: number, { medianMs }: Timing): number {
  return flops / medianMs / 1e6;
}

/** How many times faster we are, end to end; null where the peer has no (right) result. */
export function ratioTo(peer: string, { endToEnd, peers }: LayerResult): number | null {
  const result = peers[peer];
  if (result === undefined || 'failure' in result || !isRight(result)) return null;
  return result.medianMs / endToEnd.medianMs;
}

function isRight({ maxRelativeError }: { readonly maxRelativeError: number }): boolean {
  return maxRelativeError <= PEER_TOLERANCE;
}

/** What is wrong with a layer's numbers, if anything; speed of a wrong result means nothing. */
export function complaints({ name, errorInBounds, peers }: LayerResult): string[] {
  const found: string[] = [];
  if (!(errorInBounds <= 1)) found.push(`${name}: upconv is ${errorInBounds} times the error bound off`);
  for (const [peer, result] of Object.entries(peers)) {
    if ('failure' in result) found.push(`${name}: ${peer} failed: ${result.failure}`);
    else if (!isRight(result)) found.push(`${name}: ${peer} differs by ${result.maxRelativeError}`);
  }
  return found;
}
