/** The table that leads from the contract to its tests names tests that exist. */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import contract from '../contract.md?raw';

const root = fileURLToPath(new URL('..', import.meta.url));

const rows = contract
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| ---') && !line.startsWith('| Promise'))
  .map((line) => line.split('|').at(-2)!.trim());

test.each(rows)('%s', (reference) => {
  const [file, ...name] = reference.split(': ');
  expect(existsSync(root + file)).toBe(true);
  const source = readFileSync(root + file, 'utf8');
  expect(source).toMatch(/\b(?:test|describe)\b/);
  expect(source.includes(name.join(': '))).toBe(true);
});

test('every section has rows', () => {
  expect(rows.length).toBeGreaterThan(100);
  expect(contract.match(/^## \d/gm)?.length).toBe(8);
});
