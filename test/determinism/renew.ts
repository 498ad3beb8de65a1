/** Writes hashes.json anew, after a change that is meant to change bits: `npx node test/determinism/renew.ts`. */

import { writeFileSync } from 'node:fs';
import { portableHashes } from './hashes.ts';

writeFileSync(new URL('hashes.json', import.meta.url), `${JSON.stringify(await portableHashes(1), null, 2)}\n`);
