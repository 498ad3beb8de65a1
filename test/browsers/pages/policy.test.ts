/** The built package under policies that sites have, with and without cross-origin isolation. */

import { beforeAll, describe, expect, test } from 'vitest';
import type { OwnedTypedArray } from '../../../src/core/dtype.ts';
import { probe } from '../probe.ts';

const SCRIPTS = "script-src 'self' 'wasm-unsafe-eval'";
const NOT_ISOLATED = 'the page is not cross-origin isolated (headers COOP and COEP)';

let expected: OwnedTypedArray | undefined;
beforeAll(async () => {
  const { output } = await probe(null, { threads: 1 });
  expect(output?.some((value) => value !== 0)).toBe(true);
  expected = output;
});

describe.each([
  ['no policy', null],
  ['wasm and a worker of the site', `${SCRIPTS}; worker-src 'self'`],
  ['wasm and a worker of the site or a Blob', `${SCRIPTS}; worker-src 'self' blob:`],
  ['wasm and a worker from a Blob alone', `${SCRIPTS}; worker-src blob:`],
])('%s', (_, policy) => {
  test(`has threads, or says why not: crossOriginIsolated ${crossOriginIsolated}`, async () => {
    const { info, output, error } = await probe(policy, { threads: 2 });
    expect(error).toBeUndefined();
    expect(info?.threads).toBe(crossOriginIsolated ? 2 : 1);
    expect(info?.threadsReason).toBe(crossOriginIsolated ? undefined : NOT_ISOLATED);
    expect(output).toEqual(expected);
  });
});

test('a policy without workers leaves one thread and says why', async () => {
  const { info, output, error } = await probe(`${SCRIPTS}; worker-src 'none'`, { threads: 2 });
  expect(error).toBeUndefined();
  expect(info?.threads).toBe(1);
  expect(info?.threadsReason?.startsWith(crossOriginIsolated ? 'worker: expected to run, got ' : NOT_ISOLATED)).toBe(
    true,
  );
  expect(output).toEqual(expected);
});

test('a policy without wasm: the error names the directive', async () => {
  const { error } = await probe("script-src 'self'; worker-src 'self'");
  expect(error).toMatchObject({ name: 'EngineError', code: 'ERR_UNSUPPORTED' });
  expect(error?.message).toContain("script-src 'wasm-unsafe-eval'");
});
