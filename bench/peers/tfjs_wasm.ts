/** TensorFlow.js as it is. */

import type { Library } from './peer.ts';
import { tfjsLibrary } from './tfjs_layers.ts';

export const library: Library = { ...(await tfjsLibrary()), isSlow: true };
