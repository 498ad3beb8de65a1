/**
 * A WebAssembly module, byte by byte, whose one function does nothing but multiply-adds on registers:
 * what the arithmetic units can do, without memory.
 *
 *   run(iterations: i32, seed: f32): f32
 *
 * There are enough chains to hide the latency of two units. Every chain starts from another number, which the seed
 * gives, and all end in the result, so that no compiler may join or drop one.
 */

export interface MultiplyAdd {
  /** Fused: one instruction (relaxed SIMD). Separate: a multiplication and an addition. */
  readonly kind: 'fused' | 'separate';
  /** Registers that are added to. With the factors they fit the 16 of x64. */
  readonly chains: number;
  /** 4 lanes, a multiplication and an addition each. */
  readonly flopsPerIteration: number;
}

export const FUSED: MultiplyAdd = { kind: 'fused', chains: 12, flopsPerIteration: 12 * 8 };
export const SEPARATE: MultiplyAdd = { kind: 'separate', chains: 8, flopsPerIteration: 8 * 8 };

const [I32, F32, V128] = [0x7f, 0x7d, 0x7b];
const END = [0x0b];
const LOOP = [0x03, 0x40];
const BRANCH_TO_LOOP = [0x0d, 0x00];
const DECREMENT = [0x41, 0x01, 0x6b];
const MULTIPLY = 0x94;
const ADD = 0x92;
const SPLAT = [0xfd, 0x13];
const FIRST_LANE = [0xfd, 0x1f, 0x00];
const ADD_LANES = [0xfd, 0xe4, 0x01];
const MULTIPLY_LANES = [0xfd, 0xe6, 0x01];
const MULTIPLY_ADD_LANES = [0xfd, 0x85, 0x02];
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const tee = (local: number): number[] => [0x22, local];
const constant = (value: number): number[] => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)];

const [ITERATIONS, SEED, X, Z, FIRST_FACTOR] = [0, 1, 2, 3, 4];
const FACTORS = 4;
const FIRST_CHAIN = FIRST_FACTOR + FACTORS;

/** Bytes of the module. */
export function multiplyAddModule({ kind, chains }: MultiplyAdd): Uint8Array<ArrayBuffer> {
  const factor = Array.from({ length: FACTORS }, (_, index) => FIRST_FACTOR + index);
  const chain = Array.from({ length: chains }, (_, index) => FIRST_CHAIN + index);
  const body = [
    splat(MULTIPLY, 1, X),
    splat(MULTIPLY, -0.5, Z),
    ...factor.map((local, index) => splat(MULTIPLY, 2 ** -(index + 1), local)),
    ...chain.map((local, index) => splat(ADD, index, local)),
    LOOP,
    ...chain.map(kind === 'fused' ? fusedStep : separateStep),
    // X and Z change places, so that no product is the same in two iterations and may leave the loop
    ...(kind === 'fused' ? [] : [get(X), get(Z), set(X), set(Z)]),
    get(ITERATIONS),
    DECREMENT,
    tee(ITERATIONS),
    BRANCH_TO_LOOP,
    END,
    ...chain.map((local, index) => (index === 0 ? get(local) : get(local).concat(ADD_LANES))),
    FIRST_LANE,
    END,
  ].flat();
  const locals = [1, 2 + FACTORS + chains, V128];
  const sections = [
    [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, [1, 0x60, 2, I32, F32, 1, F32]),
    section(3, [1, 0]),
    section(7, [1, ...vector(new TextEncoder().encode('run')), 0, 0]),
    section(10, [1, ...vector([...locals, ...body])]),
  ];
  return Uint8Array.from(sections.flat());
}

/** local = seed × or + value, in all lanes. */
function splat(operator: number, value: number, local: number): number[] {
  return [...get(SEED), ...constant(value), operator, ...SPLAT, ...set(local)];
}

function fusedStep(chain: number): number[] {
  return [...get(X), ...get(FIRST_FACTOR), ...get(chain), ...MULTIPLY_ADD_LANES, ...set(chain)];
}

function separateStep(chain: number, index: number, chains: readonly number[]): number[] {
  const x = index < chains.length / 2 ? X : Z;
  const product = [...get(x), ...get(FIRST_FACTOR + (index % FACTORS)), ...MULTIPLY_LANES];
  return [...product, ...get(chain), ...ADD_LANES, ...set(chain)];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...vector(content)];
}

/** Length (LEB128 of two bytes at most), then content. */
function vector(content: Iterable<number>): number[] {
  const bytes = [...content];
  const { length } = bytes;
  return length < 128 ? [length, ...bytes] : [(length & 0x7f) | 0x80, length >> 7, ...bytes];
}
