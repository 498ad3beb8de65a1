/**
 * How threads share a stage: the only atomics of the project. Built into the variants with threads.
 *
 * A job is one stage: its items are claimed through one word, `claim` = number of the job (high half), next item (low
 * half). A claim is a compare-and-swap of the whole word, so a thread that slept through the end of a job cannot claim
 * items of the next one with what it knew of the last. The number is what idle workers wait for.
 *
 *   coordinator: close (nothing can be claimed) → write the job → open under the next number → wake workers
 *   every thread: claim `grain` items → run them → add to `completed`, wake the coordinator after the last one
 *
 * A job is over when all its items are completed, whether every worker has seen it or not.
 */

/** In shared memory; its twin is src/threading/job.ts. */
@unmanaged
class Job {
  claim: i64;
  /** Where the stage's function stands in the table. */
  entry: i32;
  paramsPtr: i32;
  items: i32;
  /** Items of one claim. */
  grain: i32;
  completed: i32;
  /** Workers that wait in `atomic.wait`. */
  parked: i32;
  stop: i32;
  /** A worker's kernel threw. Set by its host. */
  failed: i32;
}

/** Low half of `claim` in a job that is closed: beyond every item, far from overflow. */
const CLOSED: i64 = 0x40000000;
const NUMBER: i64 = 1 << 32;

/** Looks at the number of the job before a worker parks: about 20 µs, the gap between two stages of a call. */
const SPINS = 4000;

class job {
  @inline static of(jobPtr: usize): Job {
    return changetype<Job>(jobPtr);
  }

  @inline static number(jobPtr: usize): i32 {
    return atomic.load<i32>(jobPtr, offsetof<Job>('claim') + 4);
  }

  /** First item of a claim, or −1 when nothing is left. */
  @inline static claim(jobPtr: usize): i32 {
    let word = atomic.load<i64>(jobPtr, offsetof<Job>('claim'));
    while (<i32>word < atomic.load<i32>(jobPtr, offsetof<Job>('items'))) {
      const seen = atomic.cmpxchg<i64>(jobPtr, word, word + <i64>job.of(jobPtr).grain, offsetof<Job>('claim'));
      if (seen == word) return <i32>word;
      word = seen;
    }
    return -1;
  }
}

/**
 * Offers the items of a stage. The job before must be over.
 * @param wake how many parked workers are woken at most
 */
export function openJob(jobPtr: usize, entry: i32, paramsPtr: i32, items: i32, grain: i32, wake: i32): void {
  const number = <i64>job.number(jobPtr);
  atomic.store<i64>(jobPtr, (number << 32) | CLOSED, offsetof<Job>('claim'));
  const block = job.of(jobPtr);
  block.entry = entry;
  block.paramsPtr = paramsPtr;
  block.grain = grain;
  atomic.store<i32>(jobPtr, items, offsetof<Job>('items'));
  atomic.store<i32>(jobPtr, 0, offsetof<Job>('completed'));
  atomic.store<i64>(jobPtr, (number << 32) + NUMBER, offsetof<Job>('claim'));
  if (atomic.load<i32>(jobPtr, offsetof<Job>('parked')) > 0) {
    atomic.notify(jobPtr + offsetof<Job>('claim') + 4, wake);
  }
}

/** Lets nobody claim any more: the job is over when what was claimed is completed. */
export function closeJob(jobPtr: usize): void {
  const claim = offsetof<Job>('claim');
  for (;;) {
    const word = atomic.load<i64>(jobPtr, claim);
    if (atomic.cmpxchg<i64>(jobPtr, word, (word & ~(NUMBER - 1)) | CLOSED, claim) != word) continue;
    const items = atomic.load<i32>(jobPtr, offsetof<Job>('items'));
    atomic.store<i32>(jobPtr, min(<i32>word, items), offsetof<Job>('items'));
    return;
  }
}

/** True (1) when every item of the job is completed. */
export function jobOver(jobPtr: usize): i32 {
  const completed = atomic.load<i32>(jobPtr, offsetof<Job>('completed'));
  return i32(completed >= atomic.load<i32>(jobPtr, offsetof<Job>('items')));
}

/** Blocks the calling thread until the job is over or `milliseconds` have passed. As `jobOver`. */
export function awaitJob(jobPtr: usize, milliseconds: i32): i32 {
  for (let spin = 0; spin < SPINS; spin++) if (jobOver(jobPtr)) return 1;
  const completed = atomic.load<i32>(jobPtr, offsetof<Job>('completed'));
  if (jobOver(jobPtr)) return 1;
  atomic.wait<i32>(jobPtr + offsetof<Job>('completed'), completed, <i64>milliseconds * 1000000);
  return jobOver(jobPtr);
}

/**
 * Runs items of the job on the calling thread.
 * @param claims at most so many; −1: until nothing is left to claim
 * @returns how many items it ran: fewer than claims · grain when nothing is left to claim
 */
export function workOnJob(jobPtr: usize, thread: i32, claims: i32): i32 {
  const block = job.of(jobPtr);
  let ran = 0;
  for (; claims != 0; claims--) {
    const begin = job.claim(jobPtr);
    if (begin < 0) break;
    const end = min(begin + block.grain, atomic.load<i32>(jobPtr, offsetof<Job>('items')));
    call_indirect<void>(block.entry, block.paramsPtr, begin, end, thread);
    atomic.add<i32>(jobPtr, end - begin, offsetof<Job>('completed'));
    ran += end - begin;
    if (jobOver(jobPtr)) atomic.notify(jobPtr + offsetof<Job>('completed'), -1);
  }
  return ran;
}

/** What a worker does all its life; returns after `stopWorkers`. */
export function workerLoop(jobPtr: usize, thread: i32): void {
  const numberPtr = jobPtr + offsetof<Job>('claim') + 4;
  for (;;) {
    const number = job.number(jobPtr); // before `stop`: one that comes later has another number
    if (atomic.load<i32>(jobPtr, offsetof<Job>('stop'))) return;
    workOnJob(jobPtr, thread, -1);
    let spins = SPINS;
    while (spins > 0 && job.number(jobPtr) == number) spins--;
    if (spins > 0) continue;
    atomic.add<i32>(jobPtr, 1, offsetof<Job>('parked'));
    atomic.wait<i32>(numberPtr, number, -1);
    atomic.sub<i32>(jobPtr, 1, offsetof<Job>('parked'));
  }
}

/** Ends the loop of every worker that is not inside a kernel, and of those when they have finished it. */
export function stopWorkers(jobPtr: usize): void {
  atomic.store<i32>(jobPtr, 1, offsetof<Job>('stop'));
  atomic.add<i32>(jobPtr, 1, offsetof<Job>('claim') + 4);
  atomic.notify(jobPtr + offsetof<Job>('claim') + 4, -1);
}
