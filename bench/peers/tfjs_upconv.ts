/** TensorFlow.js with `upconv/tfjs`, in its memory. */

import { upconvTfjs } from '../built_package.ts';
import type { Library } from './peer.ts';
import { tfjsLibrary } from './tfjs_layers.ts';

export const library: Library = await tfjsLibrary(async (tf) => {
  const { stats } = await upconvTfjs.register(tf);
  if (stats.memory !== 'tfjs') throw new Error('the memory of TensorFlow.js is out of reach');
});
