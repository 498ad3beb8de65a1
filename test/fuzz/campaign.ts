/** One property, tried with new random values for the time that `npm run fuzz` gives each target. */

import * as fc from 'fast-check';
import { appendFileSync } from 'node:fs';
import { Script } from 'node:vm';

/** Seconds of each target; environment because Vitest runs the targets. */
const SECONDS = Number(process.env.UPCONV_FUZZ_SECONDS ?? 5);
const SEED = Number(process.env.UPCONV_FUZZ_SEED ?? 1);
/** Where a line of JSON is added for each target that has found nothing. */
const OUTPUT = process.env.UPCONV_FUZZ_OUTPUT;
/** No case takes more of the CPU, which other work on the machine does not change. */
const CASE_CPU_MS = 2000;
/** What takes longer than this is ended. */
const CASE_MS = 120_000;

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
  if (OUTPUT !== undefined)
    appendFileSync(OUTPUT, `${JSON.stringify({ target: name, cases, seconds: SECONDS, seed: SEED })}\n`);
  console.log(`${name}: ${cases} cases without a finding in ${SECONDS.toFixed(0)} s, seed ${SEED}`);
  if (cases === 0) throw new Error(`${name}: the time was too short for a case`);
}

const running: { call: () => void } = { call: () => undefined };
Reflect.set(globalThis, Symbol.for('upconv.fuzz.running'), running);
const script = new Script("globalThis[Symbol.for('upconv.fuzz.running')].call()");

/**
 * What `call` returns or throws.
 * @throws {Error} when it takes too long: endless loops are ended, too
 */
export function withinTime<T>(call: () => T): T {
  let outcome: () => T = () => {
    throw new Error('the call did not run');
  };
  running.call = () => {
    try {
      const value = call();
      outcome = () => value;
    } catch (error) {
      outcome = () => {
        throw error;
      };
    }
  };
  const began = process.cpuUsage();
  script.runInThisContext({ timeout: CASE_MS });
  const { user, system } = process.cpuUsage(began);
  const spent = (user + system) / 1000;
  if (spent > CASE_CPU_MS) throw new Error(`a case took ${spent.toFixed(0)} ms of the CPU`);
  return outcome();
}
