import type { WriteStream } from 'node:tty';
import { expect, test } from 'vitest';
import { createProgress } from '../../src/cli/progress.ts';

/** A stream that records what is written. */
function recorder(isTTY: boolean, columns: number): { stream: WriteStream; written: string[] } {
  const written: string[] = [];
  const stream = { isTTY, columns, write: (text: string) => written.push(text) };
  return { stream: stream as unknown as WriteStream, written };
}

test('on a terminal one line is rewritten, cut to its width, and removed at the end', () => {
  const { stream, written } = recorder(true, 10);
  const progress = createProgress(stream);
  progress.update(() => 'step 1 of 1000000');
  expect(written).toEqual(['\r\u001B[Kstep 1 of']);
  progress.clear();
  expect(written.at(-1)).toBe('\r\u001B[K');
});

test('updates in quick succession are dropped without making their text', () => {
  const { stream, written } = recorder(true, 80);
  const progress = createProgress(stream);
  let made = 0;
  for (let i = 0; i < 100; i++) progress.update(() => `${++made}`);
  expect(made).toBeLessThan(100);
  expect(written).toHaveLength(made);
});

test('nothing is written when the stream is not a terminal', () => {
  const { stream, written } = recorder(false, 80);
  const progress = createProgress(stream);
  progress.update(() => 'step 1');
  progress.clear();
  expect(written).toEqual([]);
});
