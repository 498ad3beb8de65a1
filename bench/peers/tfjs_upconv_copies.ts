/** TensorFlow.js with `upconv/tfjs`, in a memory of its own. */

import { upconv, upconvTfjs } from '../built_package.ts';
import type { Library } from './peer.ts';
import { tfjsLibrary } from './tfjs_layers.ts';

export const library: Library = await tfjsLibrary(async (tf) => {
  await upconvTfjs.register(tf, { engine: await upconv.createEngine({ threads: 1 }) });
});
