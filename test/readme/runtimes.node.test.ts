import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withRuntimesTable } from '../runtimes/table.ts';

test('the table of runtimes is that of the last runs of their tests', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  expect(withRuntimesTable(readme)).toBe(readme);
});
