/** What a run found: the content of the JSON report. */

import type { Timing } from '../src/cli/benchmark/interleave.ts';
import type { Dispatch } from './first_calls/dispatch.ts';
import type { Operation } from './peers/peer.ts';

export type Timings = Readonly<Partial<Record<Operation, Timing>>>;

export interface PeerResult {
  readonly timings: Timings;
  /** Largest difference from our numbers, as a multiple of what rounding explains. */
  readonly disagreement: number;
}

export interface PeerFailure {
  readonly failure: string;
}

export interface LayerResult {
  readonly name: string;
  readonly model: string;
  readonly cin: number;
  readonly cout: number;
  /** Operations of the forward pass by its definition; each gradient counts as many. */
  readonly flops: number;
  /** Too large to be timed often: listed, not averaged. */
  readonly isLarge: boolean;
  readonly upconv: Timings;
  /** The same calls on an engine of two threads. */
  readonly twoThreads: Timings;
  /** The forward pass with channels last in memory, in and out; not there in 1-D. */
  readonly channelsLast?: Timing;
  /** Largest difference from the definition: 1 is the most that rounding explains. */
  readonly errorInBounds: number;
  /** Scratch memory beyond packed weights and tensors. */
  readonly workspaceBytes: {
    readonly forward: number;
    readonly backward: number;
    /** Of paths without transforms, the larger of forward and backward; older reports have none. */
    readonly direct?: number;
  };
  /** What GEMM followed by col2im (im2col for a convolution) needs for one image. */
  readonly columnBytes: number;
  /** Milliseconds to read input and weight and to write the output once, with nothing to compute. */
  readonly streamMs: number;
  /** One core on registers only, `SAMPLE_FLOPS` operations in the same turns: the clock of a machine moves. */
  readonly peak: Timing;
  /** One core in tiles of the micro-kernel on operands in the first cache, as many; older reports have none. */
  readonly tiles?: Timing;
  /** What two cores do on registers only, over what one does, in the same turns. */
  readonly secondCore?: number;
  readonly peers: Readonly<Record<string, PeerResult | PeerFailure>>;
}

export interface DecoderResult {
  readonly name: string;
  readonly source: string;
  readonly flops: number;
  readonly upconv: Timing;
  readonly peer: Timing;
  /** Norm of the difference over the norm. */
  readonly relativeDifference: number;
}

export interface TrainingResult {
  readonly name: string;
  /** Of forward and backward. */
  readonly flops: number;
  readonly upconv: Timing;
  /** Null where PyTorch is not installed. */
  readonly pytorch: Timing | null;
  /** Largest of output and gradients after one step; 0 without PyTorch. */
  readonly relativeDifference: number;
}

/** Milliseconds, medians over fresh processes. */
export interface FirstCallResult {
  readonly name: string;
  readonly flops: number;
  readonly plan: number;
  readonly pack: number;
  /** Kernels alone, by `upconv/kernels`: first and tenth run. */
  readonly kernelsFirst: number;
  readonly kernelsTenth: number;
  readonly first: number;
  readonly second: number;
  readonly tenth: number;
  /** After many calls. */
  readonly steady: number;
  readonly prepare: number;
  readonly firstAfterPrepare: number;
}

export interface FirstCalls {
  readonly importMs: number;
  readonly initMs: number;
  readonly processes: number;
  readonly layers: readonly FirstCallResult[];
  /** Time of a Sync call that is not spent in kernels, microseconds. */
  readonly overheadUs: { readonly forward: number; readonly backward: number };
  /** `createEngine({ threads: 2 })`, milliseconds: compiling, and two threads that have answered. */
  readonly threadedInitMs: number;
  readonly dispatch: Dispatch;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly system: string;
}

export interface Report {
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly node: string;
  /** Name and version of the libraries beside ours. */
  readonly libraries: Readonly<Record<string, string>>;
  /** Why a library is not there. */
  readonly missing: Readonly<Record<string, string>>;
  readonly variant: string;
  readonly microkernel: string;
  readonly loadAverageAtStart: number;
  readonly seconds: number;
  readonly secondsPerLayer: number;
  readonly repetitions: number;
  /** GFLOP/s of one core on registers only, over the whole run. */
  readonly peak: { readonly median: number; readonly least: number; readonly most: number };
  /** GB/s of reading one half and writing the other, by bytes. */
  readonly bandwidth: readonly { readonly bytes: number; readonly gbPerSecond: number }[];
  readonly layers: readonly LayerResult[];
  readonly convolutions: readonly LayerResult[];
  readonly decoders: readonly DecoderResult[];
  readonly training: readonly TrainingResult[];
  readonly firstCalls: FirstCalls | null;
  /** What could not be measured, and why. */
  readonly failures: readonly string[];
}
