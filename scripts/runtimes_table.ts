/** Writes README's table of runtimes from the rows that their tests have left: `npx node scripts/runtimes_table.ts`. */

import { readFileSync, writeFileSync } from 'node:fs';
import { withRuntimesTable } from '../test/runtimes/table.ts';

const readme = new URL('../README.md', import.meta.url);
writeFileSync(readme, withRuntimesTable(readFileSync(readme, 'utf8')));
