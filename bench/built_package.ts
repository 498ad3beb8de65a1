/** The package as users get it: dist/, with the types of the sources. */

import type * as Upconv from '../src/index.ts';

export const upconv = (await import(new URL('../dist/index.js', import.meta.url).href)) as typeof Upconv;
