/** Writes the speed section of README.md from the report of the last full run: `npx node bench/readme.ts`. */

import { readFileSync, writeFileSync } from 'node:fs';
import { readmeSection, replaceSection } from './report/readme_section.ts';
import type { Report } from './results.ts';

const readme = new URL('../README.md', import.meta.url);
const report = JSON.parse(readFileSync(new URL('reports/latest.json', import.meta.url), 'utf8')) as Report;
writeFileSync(readme, replaceSection(readFileSync(readme, 'utf8'), readmeSection(report)));
