/** Writes bench/reports/trust.md and README's table of it from the records of the last long runs: `npx node scripts/trust_report.ts`. */

import { readFileSync, writeFileSync } from 'node:fs';
import { readRecords, trustReport, withTrustTable } from '../test/trust/report.ts';

const file = (path: string): URL => new URL(`../${path}`, import.meta.url);
const records = readRecords();
writeFileSync(file('bench/reports/trust.md'), trustReport(records));
writeFileSync(file('README.md'), withTrustTable(readFileSync(file('README.md'), 'utf8'), records));
