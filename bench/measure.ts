/** Times several subjects in turns, so that whatever else moves, moves for all of them. */

import { median } from './statistics.ts';

export interface Subject {
  readonly name: string;
  /** One complete call. */
  readonly call: () => void | Promise<void>;
  /** Least number of timed calls. */
  readonly repetitions: number;
}

export interface Timing {
  /** Of one call. */
  readonly medianMs: number;
  readonly bestMs: number;
  readonly calls: number;
}

/** Calls that are too short for a turn of their own are repeated until a turn is about this long. */
const TURN_MS = 5;
/** Untimed at first: code is compiled, caches are filled, memory has grown. */
const WARM_UP_MS = 30;
const MAXIMUM_WARM_UP_CALLS = 20;

/**
 * @param budgetMs the turns end when this much time is over and every subject has its repetitions
 * @throws what a subject throws
 */
export async function interleave(subjects: readonly Subject[], budgetMs: number): Promise<Map<string, Timing>> {
  const runs: { subject: Subject; callsPerTurn: number; samples: number[] }[] = [];
  for (const subject of subjects) {
    const shortest = await warmUp(subject);
    runs.push({ subject, callsPerTurn: Math.max(1, Math.round(TURN_MS / shortest)), samples: [] });
  }
  const started = performance.now();
  const over = (): boolean => performance.now() - started >= budgetMs;
  const missing = ({ subject, samples }: (typeof runs)[number]): boolean => samples.length < subject.repetitions;
  while (!over() || runs.some(missing)) {
    for (const run of runs) {
      if (over() && !missing(run)) continue;
      for (let call = 0; call < run.callsPerTurn; call++) run.samples.push(await timeOf(run.subject));
    }
  }
  return new Map(
    runs.map(({ subject, samples }) => [
      subject.name,
      { medianMs: median(samples), bestMs: Math.min(...samples), calls: samples.length },
    ]),
  );
}

/** Shortest time seen, in milliseconds. */
async function warmUp(subject: Subject): Promise<number> {
  let shortest = Infinity;
  let total = 0;
  for (let call = 0; call < MAXIMUM_WARM_UP_CALLS && total < WARM_UP_MS; call++) {
    const time = await timeOf(subject);
    shortest = Math.min(shortest, time);
    total += time;
  }
  return shortest;
}

/** Waits only where there is something to wait for: a tick of the event loop is not part of a synchronous call. */
async function timeOf({ call }: Subject): Promise<number> {
  const started = performance.now();
  const pending = call();
  if (pending !== undefined) await pending;
  return performance.now() - started;
}
