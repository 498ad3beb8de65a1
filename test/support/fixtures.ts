import type { RefTensor } from '../reference/tensor.ts';
import { refTensor } from '../reference/tensor.ts';

/** A tensor as generate.py writes it: base64 of little-endian bytes. */
export interface EncodedTensor {
  shape: number[];
  f32?: string;
  f64?: string;
}

/** A decoded tensor: `values` in the precision of the file, `data` the same numbers in float64. */
export interface FixtureTensor extends RefTensor {
  dtype: 'float32' | 'float64';
  values: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
}

/** The cases of one fixture file. Remembers which groups were asked for, so that none is forgotten. */
export interface Fixture {
  /** @throws if the file has no such group, or the group is empty. */
  cases<T extends { name: string }>(group: string): T[];
  unread(): string[];
}

/** Every encoded tensor inside `json` is decoded, whatever its depth. */
export function openFixture(json: { groups: object }): Fixture {
  const groups = json.groups as Record<string, unknown[]>;
  const read = new Set<string>();
  return {
    cases<T extends { name: string }>(group: string): T[] {
      const found = groups[group];
      if (!found || found.length === 0) throw new Error(`no fixture group '${group}'`);
      read.add(group);
      return found.map((item) => decodeAll(item) as T);
    },
    unread: () => Object.keys(groups).filter((group) => !read.has(group)),
  };
}

export function decodeTensor(encoded: EncodedTensor): FixtureTensor {
  const bytes = decodeBase64(encoded.f32 ?? encoded.f64 ?? '');
  const values = encoded.f32 === undefined ? new Float64Array(bytes.buffer) : new Float32Array(bytes.buffer);
  const dtype = encoded.f32 === undefined ? 'float64' : 'float32';
  return { ...refTensor(encoded.shape, values), dtype, values };
}

/** `atob` exists in every browser and in Node; typed arrays are little-endian on all of them. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function decodeAll(item: unknown): unknown {
  if (Array.isArray(item)) return item.map(decodeAll);
  if (item === null || typeof item !== 'object') return item;
  if ('shape' in item && ('f32' in item || 'f64' in item)) return decodeTensor(item as EncodedTensor);
  return Object.fromEntries(Object.entries(item).map(([key, value]) => [key, decodeAll(value)]));
}
