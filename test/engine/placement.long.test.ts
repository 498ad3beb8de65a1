/** Every kernel, dtype and module at the ends of memories and at every high address. */

import { SUBJECTS } from './subjects.ts';
import { LAYER_SUBJECTS } from './layer_subjects.ts';
import { HIGH_ADDRESSES, testPlacements } from './placements.ts';

testPlacements([...LAYER_SUBJECTS, ...SUBJECTS], Object.keys(HIGH_ADDRESSES) as (keyof typeof HIGH_ADDRESSES)[]);
