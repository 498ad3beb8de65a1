/** Times several subjects in turns, so that whatever else moves, moves for all of them. */

import { median } from './statistics.ts';

export interface Subject {
  readonly name: string;
  /** Makes one complete call; milliseconds that it took, by the clock of whoever computed. */
  readonly time: () => number | Promise<number>;
  /** Least number of timed calls. */
  readonly repetitions: number;
}

export interface Timing {
  /** Of one call. */
  readonly medianMs: number;
  readonly bestMs: number;
  readonly calls: number;
  /** Of a call in each turn. Turns of all subjects begin together; some have more of them. */
  readonly turnMs: readonly number[];
}

/** With fewer turns in common, medians of all calls say more. */
const LEAST_TURNS = 3;

/**
 * How many times longer `slow` takes than `fast`: the median over turns, each of which compares what ran side by side.
 */
export function timesFaster(fast: Timing, slow: Timing): number {
  const turns = Math.min(fast.turnMs.length, slow.turnMs.length);
  if (turns < LEAST_TURNS) return slow.medianMs / fast.medianMs;
  return median(Array.from({ length: turns }, (_, turn) => slow.turnMs[turn] / fast.turnMs[turn]));
}

/** Calls that are too short for a turn of their own are repeated until a turn is about this long. */
const TURN_MS = 5;
/** Untimed at first: code is compiled, caches are filled, memory has grown. */
const WARM_UP_MS = 30;
const MAXIMUM_WARM_UP_CALLS = 20;
/** A first call this long is hardly changed by warming up, and counts. */
export const LONG_MS = 200;

/**
 * @param budgetMs the turns end when this much time is over and every subject has its repetitions
 * @throws what a subject throws
 */
export async function interleave(subjects: readonly Subject[], budgetMs: number): Promise<Map<string, Timing>> {
  const runs: { subject: Subject; callsPerTurn: number; samples: number[]; turnMs: number[] }[] = [];
  for (const subject of subjects) {
    const { shortest, counted } = await warmUp(subject);
    runs.push({ subject, callsPerTurn: Math.max(1, Math.round(TURN_MS / shortest)), samples: counted, turnMs: [] });
  }
  const started = performance.now();
  const over = (): boolean => performance.now() - started >= budgetMs;
  const missing = ({ subject, samples }: (typeof runs)[number]): boolean => samples.length < subject.repetitions;
  while (!over() || runs.some(missing)) {
    for (const run of runs) {
      if (over() && !missing(run)) continue;
      const turn: number[] = [];
      for (let call = 0; call < run.callsPerTurn; call++) turn.push(await run.subject.time());
      run.samples.push(...turn);
      run.turnMs.push(median(turn));
    }
  }
  return new Map(
    runs.map(({ subject, samples, turnMs }) => [
      subject.name,
      { medianMs: median(samples), bestMs: Math.min(...samples), calls: samples.length, turnMs },
    ]),
  );
}

async function warmUp({ time }: Subject): Promise<{ shortest: number; counted: number[] }> {
  let shortest = Infinity;
  let total = 0;
  for (let call = 0; call < MAXIMUM_WARM_UP_CALLS && total < WARM_UP_MS; call++) {
    const milliseconds = await time();
    if (call === 0 && milliseconds > LONG_MS) return { shortest: milliseconds, counted: [milliseconds] };
    shortest = Math.min(shortest, milliseconds);
    total += milliseconds;
  }
  return { shortest, counted: [] };
}

/** Milliseconds of a call. Waits only where there is something to wait for: a tick of the event loop is no part of a synchronous call. */
export function timeOf(call: () => Promise<unknown>): Promise<number>;
export function timeOf(call: () => void): number;
export function timeOf(call: () => unknown): number | Promise<number> {
  const started = performance.now();
  const pending = call();
  return pending instanceof Promise ? pending.then(() => performance.now() - started) : performance.now() - started;
}
