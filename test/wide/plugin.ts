/** Gives every engine the wide variant in place of the one with relaxed SIMD. */

import type { Plugin } from 'vitest/config';

export const wideVectors: Plugin = {
  name: 'wide-vectors',
  enforce: 'pre',
  resolveId(source, importer) {
    if (!/\/inlined\/relaxed(-threads)?\.ts$/.test(source)) return undefined;
    return this.resolve(source.replace('relaxed', 'wide'), importer, { skipSelf: true });
  },
};
