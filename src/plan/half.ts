/** Conversion between float16 and float32, both row-major. */

import type { Stage } from './stage.ts';
import { pointer } from './stage.ts';

/** Elements of an item. */
const ITEM_LENGTH = 16384;

/** Operands half and float; the one that `to` names is written. */
export function planConvertHalf(to: 'float32' | 'float16', length: number): Stage {
  return {
    entry: 'convertHalf',
    items: Math.ceil(length / ITEM_LENGTH),
    block: 'half',
    fields: {
      halfPtr: pointer('half'),
      floatPtr: pointer('float'),
      length,
      itemLength: ITEM_LENGTH,
      toFloat: to === 'float32' ? 1 : 0,
    },
  };
}
