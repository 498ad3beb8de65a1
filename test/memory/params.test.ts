import { describe, expect, test } from 'vitest';
import { BLOCKS } from '../../src/memory/params.ts';
import source from '../../assembly/params.ts?raw';

/** Fields of each @unmanaged class of assembly/params.ts, in order. */
function assemblyBlocks(): Map<string, [string, string][]> {
  const blocks = new Map<string, [string, string][]>();
  for (const [, name, body] of source.matchAll(/class (\w+)Params \{([^}]*)\}/g)) {
    const fields = [...body.matchAll(/^\s*(\w+): (\w+);/gm)].map(([, field, type]): [string, string] => [field, type]);
    blocks.set(name[0].toLowerCase() + name.slice(1), fields);
  }
  return blocks;
}

describe('parameter blocks', () => {
  const assembly = assemblyBlocks();

  test('both sides know the same blocks', () => {
    expect([...assembly.keys()].toSorted()).toEqual(Object.keys(BLOCKS).toSorted());
  });

  test.each(Object.keys(BLOCKS))('%s has the same fields in the same order', (name) => {
    const fields = [...BLOCKS[name].fields].map(([field, { type }]) => [field, type]);
    expect(fields).toEqual(assembly.get(name));
  });

  test('fields are aligned to their size and do not overlap', () => {
    for (const { fields, bytes } of Object.values(BLOCKS)) {
      let end = 0;
      for (const { type, offset } of fields.values()) {
        const size = type === 'f64' ? 8 : 4;
        expect(offset % size).toBe(0);
        expect(offset).toBeGreaterThanOrEqual(end);
        end = offset + size;
      }
      expect(bytes).toBeGreaterThanOrEqual(end);
    }
  });
});
