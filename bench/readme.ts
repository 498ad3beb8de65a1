/**
 * Writes the speed section of README.md from the report of the last full run, and those kept of other machines:
 * `npx node bench/readme.ts`.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readmeSection, replaceSection } from './report/readme_section.ts';
import type { Report } from './results.ts';

const readme = new URL('../README.md', import.meta.url);
const machines = new URL('reports/machines/', import.meta.url);
const reportAt = (url: URL): Report => JSON.parse(readFileSync(url, 'utf8')) as Report;

const report = reportAt(new URL('reports/latest.json', import.meta.url));
const others = readdirSync(machines)
  .map((file) => reportAt(new URL(file, machines)))
  .filter(({ machine }) => machine.cpu !== report.machine.cpu);
writeFileSync(readme, replaceSection(readFileSync(readme, 'utf8'), readmeSection(report, others)));
