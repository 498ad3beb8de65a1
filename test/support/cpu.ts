/** What the CPU has, as far as the system tells. */

import { existsSync, readFileSync } from 'node:fs';

/** Where Linux tells. */
const FLAGS = '/proc/cpuinfo';

/** V8 joins vectors to 256 bits on such a CPU. */
export const HAS_AVX2: boolean = existsSync(FLAGS) && /\bavx2\b/.test(readFileSync(FLAGS, 'utf8'));
