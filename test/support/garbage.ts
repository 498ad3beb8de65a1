/** Garbage collection, which only Node lets a test ask for. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

/** Collects what is garbage by now. */
export const collectGarbage = runInNewContext('gc') as () => void;
