import { expect, test } from 'vitest';
import { runCli, temporaryFolder } from './support/cli.ts';

const folder = temporaryFolder();

test('the quick suite takes at most 20 seconds', () => {
  const started = performance.now();
  const { code, stdout } = runCli(folder, 'bench');
  expect(performance.now() - started).toBeLessThan(20_000);
  expect(code).toBe(0);
  expect(stdout.split('\n').filter((line) => line.startsWith('|'))).toHaveLength(2 + 10 + 1);
});
