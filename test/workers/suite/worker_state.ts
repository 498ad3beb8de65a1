/** What Vitest looks for when it is imported; comes before it. */

Object.assign(globalThis, { __vitest_worker__: { config: { snapshotOptions: {}, expect: {} }, ctx: {} } });
