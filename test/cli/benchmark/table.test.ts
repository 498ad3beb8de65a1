import { expect, test } from 'vitest';
import { markdownTable } from '../../../src/cli/benchmark/table.ts';

test('columns line up: the first to the left, numbers to the right', () => {
  expect(
    markdownTable(
      ['layer', '%'],
      [
        ['sam', '7'],
        ['äöü-long', '100'],
      ],
    ),
  ).toBe(['| layer    |   % |', '| -------- | --: |', '| sam      |   7 |', '| äöü-long | 100 |'].join('\n'));
});
