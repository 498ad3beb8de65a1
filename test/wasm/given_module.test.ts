/** The option `wasm`: modules that the caller has compiled, of this package and of others. */

import { describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { ArgumentError, convTranspose1dSync, createEngine, createEngineSync, init, tensor } from '../../src/index.ts';
import type { Engine, EngineOptions } from '../../src/index.ts';
import { supportsRelaxedSimd } from '../../src/wasm/variants.ts';
import { compiled } from '../support/compiled.ts';

/** The smallest module; `content`: with a custom section `upconv` that holds this. */
function moduleWith(content: string | null): WebAssembly.Module {
  const [name, text] = ['upconv', content ?? ''].map((part) => new TextEncoder().encode(part));
  const body = [name.length, ...name, ...text];
  const section = content === null ? [] : [0, body.length, ...body];
  return new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, ...section));
}

const VARIANTS = ['simd', 'simd-threads', ...(supportsRelaxedSimd() ? (['relaxed'] as const) : [])] as const;

const MAKERS: [string, (options: EngineOptions) => Promise<Engine>][] = [
  ['init', init],
  ['createEngine', createEngine],
  ['createEngineSync', async (options) => createEngineSync(options)],
];

describe.each(MAKERS)('%s', (name, make) => {
  test.each(VARIANTS)('takes the module %s, and computes with it', async (variant) => {
    const engine = await make({ wasm: compiled(variant), threads: 1 });
    try {
      expect(engine.info).toMatchObject({ variant, threads: 1, relaxed: variant === 'relaxed' });
      const [x, w] = [tensor([1, 2], [1, 2], { engine }), tensor([1, 1], [1, 1, 2], { engine })];
      expect([...convTranspose1dSync(x, w).toTypedArray()]).toEqual([1, 3, 2]);
    } finally {
      engine.dispose();
    }
  });

  test.each([
    ['of somebody else', null, 'another'],
    ['with a section that is not ours', '{', 'another'],
    ['with a section without a version', 'null', 'another'],
    ['of another version', '{"variant":"simd","version":"0.0.1"}', 'one of version 0.0.1'],
  ])('refuses a module %s', async (_, content, got) => {
    const wasm = moduleWith(content);
    const failed = make({ wasm });
    await expect(failed).rejects.toThrow(ArgumentError);
    await expect(failed).rejects.toThrow(
      `${name}: wasm expected a module of upconv ${manifest.version} (custom section 'upconv'), got ${got}`,
    );
  });

  test.runIf(supportsRelaxedSimd())("refuses a module that cannot do what numerics: 'portable' promises", async () => {
    const failed = make({ wasm: compiled('relaxed'), numerics: 'portable' });
    await expect(failed).rejects.toMatchObject({ name: 'ArgumentError', code: 'ERR_ARGUMENT' });
    const engine = await make({ wasm: compiled('simd'), numerics: 'portable' });
    expect(engine.info).toMatchObject({ variant: 'simd', numerics: 'portable' });
    engine.dispose();
  });

  test('refuses what is no module', async () => {
    for (const wasm of [Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0), null, 'simd']) {
      await expect(make({ wasm: wasm as unknown as WebAssembly.Module })).rejects.toThrow(TypeError);
    }
  });
});
