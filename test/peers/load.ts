import type { RefOptions } from '../reference/options.ts';
import { readVectors } from './read_vectors.ts';

/** Flat, row-major numbers as the vector files hold them. */
export interface PeerTensor {
  shape: number[];
  data: number[];
}

export interface Tolerance {
  rtol: number;
  atol: number;
}

export interface PeerGradients {
  gradOutput: PeerTensor;
  gradInput: PeerTensor;
  gradWeight: PeerTensor;
  gradBias: PeerTensor | null;
  tolerance: { gradInput: Tolerance; gradWeight: Tolerance; gradBias: Tolerance | null };
}

type Geometry = Required<Pick<RefOptions, 'stride' | 'padding' | 'outputPadding' | 'dilation' | 'groups'>>;

export interface NumericCase extends Geometry {
  name: string;
  dims: 1 | 2 | 3;
  dtype?: 'float64';
  input: PeerTensor;
  weight: PeerTensor;
  bias: PeerTensor | null;
  outputSize: number[] | null;
  resolvedOutputPadding?: number[];
  expected: PeerTensor;
  tolerance: Tolerance;
  grads: PeerGradients | null;
  gradsTorch?: PeerGradients;
}

/** A tensor of ones, or whatever `fill` says. */
export interface FilledTensor {
  shape: number[];
  fill: number;
}

export interface FunctionalErrorCase extends Geometry {
  throws: true;
  api: 'functional';
  name: string;
  dims: 1 | 2 | 3;
  input: FilledTensor;
  weight: FilledTensor;
  bias: FilledTensor | null;
}

export interface ModuleErrorCase {
  throws: true;
  api: 'module';
  name: string;
  dims: 1 | 2 | 3;
  module: { inChannels: number; outChannels: number; kernelSize: number[] } & Record<string, unknown>;
  forward: { input: FilledTensor; outputSize: number[] | null } | null;
}

type PeerCase = NumericCase | FunctionalErrorCase | ModuleErrorCase;

/** The files whose cases are plain PyTorch semantics. */
const FILES = ['onnx', 'onnxruntime', 'tfjs', 'webnn', 'burn', 'candle', 'dfdx', 'tract'];

export interface PeerVectors {
  numeric: NumericCase[];
  functionalErrors: FunctionalErrorCase[];
  moduleErrors: ModuleErrorCase[];
}

/** The vectors in the folder that the environment variable UPCONV_PEER_VECTORS names, or null where it is not set. */
export async function loadPeerVectors(): Promise<PeerVectors | null> {
  const files = await Promise.all(FILES.map((file) => readVectors<PeerCase[]>(file)));
  const cases = files.filter((file) => file !== null).flat();
  if (cases.length === 0) return null;
  const errors = cases.filter((c) => 'throws' in c);
  return {
    numeric: cases.filter((c): c is NumericCase => !('throws' in c)),
    functionalErrors: errors.filter((c) => c.api === 'functional'),
    moduleErrors: errors.filter((c) => c.api === 'module'),
  };
}

/** Inputs as the package would hold them: rounded to float32 unless the case is float64. */
export function valuesOf(c: NumericCase, peer: PeerTensor): Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> {
  return c.dtype === 'float64' ? Float64Array.from(peer.data) : Float32Array.from(peer.data);
}

/** The options of the public API; `outputSize` wins over `outputPadding`. */
export function optionsOf(c: NumericCase): Geometry & { outputSize?: number[] } {
  const { stride, padding, outputPadding, dilation, groups } = c;
  const options = { stride, padding, outputPadding, dilation, groups };
  return c.outputSize ? { ...options, outputSize: c.outputSize } : options;
}

/** The sets of gradients of a case: the peer's own, and those of PyTorch. */
export function gradientSets(c: NumericCase): PeerGradients[] {
  return [c.grads, c.gradsTorch].filter((set): set is PeerGradients => set !== null && set !== undefined);
}

/** The tolerance of the vectors as a limit for `expectWithin`. */
export function limitOf(tolerance: Tolerance): (index: number, expected: number) => number {
  return (_index, expected) => tolerance.atol + tolerance.rtol * Math.abs(expected);
}
