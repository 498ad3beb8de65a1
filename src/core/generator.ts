/** Random numbers: the Mersenne Twister MT19937, drawn from as PyTorch draws on the CPU. */

import { ArgumentError } from './errors.ts';
import { wrongType } from './validate.ts';

const STATE_WORDS = 624;
const SHIFT_WORDS = 397;
const TWIST = 0x9908b0df;

export class Generator {
  readonly #state = new Uint32Array(STATE_WORDS);
  #position = STATE_WORDS;
  #seed = 0;
  /** The second normal number of a pair, for single draws. */
  #spareNormal: number | null = null;

  /** Use `createGenerator`. */
  constructor(seed: number) {
    this.seed(seed);
  }

  /** The number that the generator was last seeded with. */
  get initialSeed(): number {
    return this.#seed;
  }

  /**
   * Starts the sequence of `seed` afresh.
   * @throws {TypeError} when `seed` is not a number.
   * @throws {ArgumentError} when it is not a safe integer.
   */
  seed(seed: number): this {
    this.#seed = checkSeed('seed', seed);
    const state = this.#state;
    state[0] = Number(BigInt.asUintN(32, BigInt(seed)));
    for (let i = 1; i < STATE_WORDS; i++) {
      const previous = state[i - 1] ^ (state[i - 1] >>> 30);
      state[i] = Math.imul(1812433253, previous) + i;
    }
    this.#position = STATE_WORDS;
    this.#spareNormal = null;
    return this;
  }

  /** The next 32 random bits. */
  nextUint32(): number {
    if (this.#position === STATE_WORDS) this.#twist();
    let word = this.#state[this.#position++];
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    word ^= word >>> 18;
    return word >>> 0;
  }

  /** A multiple of 2⁻¹¹ in [0, 1): as many random bits as a float16 holds, so that none is rounded to 1. */
  uniformFloat16(): number {
    return (this.nextUint32() & 0x7ff) * 2 ** -11;
  }

  /** A multiple of 2⁻²⁴ in [0, 1). */
  uniformFloat32(): number {
    return (this.nextUint32() & 0xffffff) * 2 ** -24;
  }

  /** A multiple of 2⁻⁵³ in [0, 1). */
  uniformFloat64(): number {
    const high = this.nextUint32() & 0x1fffff;
    return (high * 2 ** 32 + this.nextUint32()) * 2 ** -53;
  }

  /** A normal number; they are made in pairs. */
  normal(): number {
    if (this.#spareNormal !== null) {
      const spare = this.#spareNormal;
      this.#spareNormal = null;
      return spare;
    }
    const angle = 2 * Math.PI * this.uniformFloat64();
    const radius = Math.sqrt(-2 * Math.log1p(-this.uniformFloat64()));
    this.#spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < STATE_WORDS; i++) {
      const mixed = (state[i] & 0x80000000) | (state[(i + 1) % STATE_WORDS] & 0x7fffffff);
      state[i] = state[(i + SHIFT_WORDS) % STATE_WORDS] ^ (mixed >>> 1) ^ (mixed & 1 ? TWIST : 0);
    }
    this.#position = 0;
  }
}

function checkSeed(operation: string, seed: unknown): number {
  if (typeof seed !== 'number') throw wrongType(operation, 'seed', 'a number', seed);
  if (!Number.isSafeInteger(seed)) throw new ArgumentError(operation, 'seed', 'an integer', String(seed));
  return seed;
}

let defaultGenerator: Generator | null = null;

/**
 * Seeds the default generator; the sequence is PyTorch's after `torch.manual_seed(seed)`.
 * @throws {ArgumentError} when `seed` is not a safe integer.
 *
 * @example
 * ```js
 * import { init, manualSeed, rand } from 'upconv';
 *
 * await init();
 * manualSeed(7);
 * const first = rand([3]).toArray().join();
 * manualSeed(7);
 * console.log(rand([3]).toArray().join() === first); // true
 * ```
 */
export function manualSeed(seed: number): Generator {
  checkSeed('manualSeed', seed);
  if (defaultGenerator === null) defaultGenerator = new Generator(seed);
  else defaultGenerator.seed(seed);
  return defaultGenerator;
}

/** A generator of its own; without a seed, seeded at random. */
export function createGenerator(seed?: number): Generator {
  return new Generator(seed === undefined ? randomSeed() : checkSeed('createGenerator', seed));
}

/**
 * `generator`, else the default one, which is seeded at random at its first use.
 * @throws {TypeError} when `generator` is not a Generator.
 */
export function generatorOrDefault(operation: string, generator: Generator | undefined): Generator {
  if (generator === undefined) return (defaultGenerator ??= new Generator(randomSeed()));
  if (generator instanceof Generator) return generator;
  throw wrongType(operation, 'generator', 'a Generator', generator);
}

function randomSeed(): number {
  return Math.floor(Math.random() * 2 ** 32);
}
