/** The package as users get it: dist/, with the types of the sources. */

import type * as Upconv from '../src/index.ts';
import type * as UpconvTfjs from '../src/tfjs.ts';

const load = (file: string): Promise<unknown> => import(new URL(`../dist/${file}`, import.meta.url).href);

export const upconv = (await load('index.js')) as typeof Upconv;
export const upconvTfjs = (await load('tfjs.js')) as typeof UpconvTfjs;
