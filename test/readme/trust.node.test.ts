import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MUTANTS } from '../mutants/mutants.ts';
import { readRecords, trustReport, withTrustTable } from '../trust/report.ts';

const textOf = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const records = readRecords();

test('report and table are those of the last long runs', () => {
  expect(trustReport(records)).toBe(textOf('bench/reports/trust.md'));
  const readme = textOf('README.md');
  expect(withTrustTable(readme, records)).toBe(readme);
});

test('in which nothing was found, and every planted bug was', () => {
  expect(new Set(records.fuzz.figures.map(({ target }) => target)).size).toBe(3);
  expect(records.soak.figures.problems).toEqual([]);
  const name = ({ file, bug }: { file: string; bug: string }): string => `${file}: ${bug}`;
  expect(records.mutants.figures.map(name)).toEqual(MUTANTS.map(name));
  expect(records.mutants.figures.filter(({ kill }) => kill === null)).toEqual([]);
});
