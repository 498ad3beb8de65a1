/// <reference types="vite/client" />
import { expect, test } from 'vitest';

// Each golden test asserts that it reads every group of its file; here: that every file has such a test.
const fixtures = Object.keys(import.meta.glob('../fixtures/*.json')).map((path) => path.replace(/^.*\/|\.json$/g, ''));
const tests = import.meta.glob<string>('./*.test.ts', { query: '?raw', import: 'default', eager: true });

test('there are fixtures', () => {
  expect(fixtures.length).toBeGreaterThan(0);
});

test.each(fixtures)('fixtures/%s.json is read to its last group by a golden test', (name) => {
  const source = tests[`./${name}.test.ts`];
  expect(source).toContain(`'../fixtures/${name}.json'`);
  expect(source).toContain('expect(golden.unread()).toEqual([])');
});
