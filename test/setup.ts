/** Around each test file that shares modules with others, as `OWN_MODULES` in kinds.ts says. */

import { afterAll } from 'vitest';
import { engineOrDefault } from '../src/engine/default_engine.ts';

afterAll(() => {
  try {
    engineOrDefault('setup', undefined).dispose();
  } catch {
    // there is none
  }
});
