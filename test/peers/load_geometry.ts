/** The peers' cases that are geometry beyond PyTorch's arguments, in one form. */

import { readVectors } from './read_vectors.ts';
import type { PeerGradients, PeerTensor, Tolerance } from './load.ts';

/** Order of the axes in memory, outermost first; axes are (batch, channel, …) and (in, out, …). */
export interface PeerLayout {
  readonly sides: readonly number[];
  readonly weight: readonly number[];
}

export interface GeometryCase {
  readonly name: string;
  readonly layout: PeerLayout;
  /** In memory order, as everything here but gradients. */
  readonly input: PeerTensor;
  readonly weight: PeerTensor;
  /** One number per output channel. */
  readonly bias: readonly number[] | null;
  readonly stride: number[];
  readonly dilation: number[];
  readonly groups: number;
  readonly begin: number[];
  readonly outputSpatial: number[];
  readonly activation: 'relu' | 'relu6' | 'sigmoid' | 'tanh' | null;
  readonly expected: PeerTensor;
  readonly tolerance: Tolerance;
  /** In PyTorch's axis order. */
  readonly grads: (PeerGradients & { origin: string }) | null;
  readonly gradsTorch?: PeerGradients & { origin: string };
}

interface Resolved {
  inputLayout: 'nchw' | 'nhwc';
  filterLayout: 'iohw' | 'hwoi' | 'ohwi';
  strides: number[];
  dilations: number[];
  groups: number;
  begin: number[];
  outputSpatial: number[];
}

interface FileCase extends Omit<GeometryCase, 'layout' | 'begin' | 'outputSpatial' | 'bias'> {
  readonly throws?: unknown;
  readonly bias: PeerTensor | null;
  readonly resolvedPads?: { begin: number[]; outputSpatial: number[] };
  readonly resolved?: Resolved;
  readonly gradsNCHW?: GeometryCase['grads'];
}

export const ROW_MAJOR: PeerLayout = { sides: [0, 1, 2, 3], weight: [0, 1, 2, 3] };
const SIDES = { nchw: ROW_MAJOR.sides, nhwc: [0, 2, 3, 1] };
const WEIGHT = { iohw: ROW_MAJOR.weight, hwoi: [2, 3, 1, 0], ohwi: [1, 2, 3, 0] };

/** Null where the environment variable UPCONV_PEER_VECTORS names no folder. */
export async function loadGeometryVectors(): Promise<GeometryCase[] | null> {
  const cases: GeometryCase[] = [];
  for (const file of ['onnx_only', 'tfjs_only', 'webnn_only']) {
    const read = await readVectors<FileCase[]>(file);
    if (read === null) return null;
    // an entry with `throws` is about arguments of the peer, which are checked by its adapter
    for (const c of read) if (!('throws' in c)) cases.push(c.resolved ? fromWebnn(c, c.resolved) : fromPads(c));
  }
  return cases;
}

function fromPads(c: FileCase): GeometryCase {
  const pads = c.resolvedPads;
  if (pads === undefined) throw new Error(`${c.name} has no resolvedPads`);
  const axes = c.input.shape.map((_, axis) => axis);
  return { ...c, ...pads, bias: c.bias?.data ?? null, activation: null, layout: { sides: axes, weight: axes } };
}

function fromWebnn(c: FileCase, resolved: Resolved): GeometryCase {
  const { inputLayout, filterLayout, strides, dilations, groups, begin, outputSpatial } = resolved;
  return {
    ...c,
    bias: c.bias && perChannel(c.bias.data, c.expected.shape[SIDES[inputLayout].indexOf(1)]),
    stride: strides,
    dilation: dilations,
    groups,
    begin,
    outputSpatial,
    layout: { sides: SIDES[inputLayout], weight: WEIGHT[filterLayout] },
    grads: c.gradsNCHW ?? null,
  };
}

/** One polyfill has a single number as the bias of every channel. */
function perChannel(bias: readonly number[], channels: number): number[] {
  return bias.length === 1 ? Array.from({ length: channels }, () => bias[0]) : [...bias];
}

export function peerGradients({ grads, gradsTorch }: GeometryCase): NonNullable<GeometryCase['grads']>[] {
  return [grads, gradsTorch].filter((set) => set !== null && set !== undefined);
}
