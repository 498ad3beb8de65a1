/** One property, tried with new random values for the time that `npm run fuzz` gives each target. */

import * as fc from 'fast-check';
import { Script } from 'node:vm';

/** Seconds of each target; environment because Vitest runs the targets. */
const SECONDS = Number(process.env.UPCONV_FUZZ_SECONDS ?? 5);
const SEED = Number(process.env.UPCONV_FUZZ_SEED ?? 1);
/** No case takes longer, on a busy machine either. */
const CASE_MILLISECONDS = 10_000;

/**
 * Tries `check` until the time is over and prints how often.
 * @throws the first failure, shrunk, with the seed and path that repeat it
 */
export async function campaign<T>(
  name: string,
  values: fc.Arbitrary<T>,
  check: (value: T) => void | Promise<void>,
): Promise<void> {
  let cases = 0;
  const property = fc.asyncProperty(values, async (value) => {
    cases++;
    await check(value);
  });
  await fc.assert(property, {
    seed: SEED,
    numRuns: Number.MAX_SAFE_INTEGER,
    plugins: [fc.interruptAfterTimeLimit(SECONDS * 1000)],
  });
  console.log(`${name}: ${cases} cases without a finding in ${SECONDS.toFixed(0)} s, seed ${SEED}`);
  if (cases === 0) throw new Error(`${name}: the time was too short for a case`);
}

const running: { call: () => void } = { call: () => undefined };
Reflect.set(globalThis, Symbol.for('upconv.fuzz.running'), running);
const script = new Script("globalThis[Symbol.for('upconv.fuzz.running')].call()");

/** What `call` returns. @throws {Error} when it does not return in time: endless loops are ended, too */
export function withinTime<T>(call: () => T): T {
  let result: { value: T } | undefined;
  running.call = () => {
    result = { value: call() };
  };
  script.runInThisContext({ timeout: CASE_MILLISECONDS });
  return result!.value;
}
