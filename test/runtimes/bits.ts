/** The hashes of test/determinism on whatever runtime runs this, by the number of threads, as a line of JSON. */

import { createEngine } from '../../src/index.ts';
import { portableHashes } from '../determinism/hashes.ts';

const hashes: Record<string, Record<string, string>> = {};
for (const threads of [1, 2]) {
  const engine = await createEngine({ numerics: 'portable', threads });
  if (engine.info.threads !== threads) throw new Error(`${threads} threads: ${engine.info.threadsReason}`);
  engine.dispose();
  hashes[threads] = await portableHashes(threads);
}
console.log(JSON.stringify(hashes));
