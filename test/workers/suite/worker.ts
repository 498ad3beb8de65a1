/**
 * A Worker that runs test files of the repository: `/test/nn/module.test.ts` runs that one, the body of the request
 * holds the beginnings of names of tests that are left out. All run in one isolate, one after another.
 */

import './worker_state.ts';
import type { RunnerTask, RunnerTestFile } from 'vitest';
import { startTests } from 'vitest/internal/browser';
import { files } from 'upconv:tests';
import { zeros } from '../../../src/index.ts';
import type { FileResult } from './results.ts';

/** What the runner reads, as Vitest's server would send it. */
const CONFIG = {
  root: '/',
  name: 'workers',
  setupFiles: [],
  testTimeout: 60_000,
  hookTimeout: 60_000,
  maxConcurrency: 1,
  retry: 0,
  repeats: 0,
  tags: [],
  passWithNoTests: true,
  allowOnly: false,
  sequence: { shuffle: false, hooks: 'stack', setupFiles: 'list', concurrent: false },
};

interface NamedTask {
  readonly name: string;
  readonly task: RunnerTask | RunnerTestFile;
}

function* everyTask(task: RunnerTask | RunnerTestFile, around: readonly string[] = []): Generator<NamedTask> {
  const names = 'filepath' in task ? [] : [...around, task.name];
  yield { name: names.join(' > '), task };
  if (task.type === 'suite') for (const child of task.tasks) yield* everyTask(child, names);
}

async function runFile(path: string, leftOut: readonly string[]): Promise<FileResult> {
  const runner = {
    config: CONFIG,
    importFile: () => files[path](),
    onCollected: (collected: RunnerTestFile[]) => {
      for (const file of collected) {
        for (const { name, task } of everyTask(file))
          if (leftOut.some((beginning) => name.startsWith(beginning))) task.mode = 'skip';
      }
    },
  };
  const [file] = await startTests([path], runner as never);
  const tasks = [...everyTask(file)];
  const tests = tasks.filter(({ task }) => task.type === 'test');
  const count = (state: string): number => tests.filter(({ task }) => task.result?.state === state).length;
  const passed = count('pass');
  return {
    passed,
    skipped: tests.length - passed - count('fail'),
    failures: tasks.flatMap(({ name, task }) =>
      (task.result?.errors ?? []).map((error) => `${name}: ${error.name}: ${error.message}`),
    ),
    names: tests.map(({ name }) => name),
  };
}

/** A file may leave the default engine behind, which is that of the next one here. */
function endDefaultEngine(): void {
  try {
    zeros([1]).engine.dispose();
  } catch {
    // there is none
  }
}

export default {
  async fetch(request: Request): Promise<Response> {
    const result = await runFile(new URL(request.url).pathname.slice(1), (await request.json()) as string[]);
    endDefaultEngine();
    return Response.json(result);
  },
};
