/** The layers in float32 and the Sync functions at the ends of memories; all of it: placement.long.test.ts. */

import { SUBJECTS } from './subjects.ts';
import { LAYER_SUBJECTS } from './layer_subjects.ts';
import { testPlacements } from './placements.ts';

testPlacements(
  LAYER_SUBJECTS.filter(([name]) => name.includes('float32')),
  ['up to 4 GiB'],
);
testPlacements(
  SUBJECTS.filter(([name]) => name.endsWith('Sync')),
  ['across 2 GiB'],
);
