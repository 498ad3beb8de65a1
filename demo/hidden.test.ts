/** Pages that compute while they are hidden or frozen, as Chromium does to pages in the background. */

import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { launch, type Browser, type Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type * as upconv from '../src/index.ts';
import { BROWSERS } from '../test/browsers/browsers.ts';
import { files, serve, type Served } from '../test/browsers/site.ts';

declare global {
  var library: typeof upconv;
  var pending: Promise<{ same: boolean; threads: number; states: string[] }>;
  var events: string[];
  var settled: number;
}

const HTML = `<!doctype html><link rel="icon" href="data:,"><script type="module">
  globalThis.events = [];
  for (const type of ['freeze', 'resume']) document.addEventListener(type, () => events.push(type));
  globalThis.library = await import('/dist/index.js');
</script>`;
const root = fileURLToPath(new URL('..', import.meta.url));

/** Each gives the event loop a turn after every one of its 17 items: with timers of a second, minutes would not be enough. */
const CALLS = 30;
/** So many that they are not done before the page is frozen. */
const MANY_CALLS = 200;

let browser: Browser;
let page: Page;
const served: Record<'isolated' | 'notIsolated', Served> = {} as never;

beforeAll(async () => {
  const site = files(root, { '/': HTML });
  Object.assign(served, { isolated: await serve(site), notIsolated: await serve(site, false) });
  browser = await launch({
    executablePath: BROWSERS.chromium.needs[0],
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
    // by default nothing is held back in the background
    ignoreDefaultArgs: [
      '--disable-background-timer-throttling',
      '--disable-backgrounding-occluded-windows',
      '--disable-renderer-backgrounding',
    ],
  });
});
afterAll(async () => {
  await browser.close();
  for (const each of Object.values(served)) await each.close();
});
afterEach(async () => {
  for (const each of await browser.pages()) if (each.url() !== 'about:blank') await each.close();
});

async function openPage(site: keyof typeof served): Promise<void> {
  page = await browser.newPage();
  await page.goto(served[site].url);
  await page.waitForFunction(() => globalThis.library !== undefined);
}

/** Begins calls, all at once, and does not wait for them. */
async function begin(threads: number, calls = CALLS): Promise<void> {
  await page.evaluate(
    (threads, count) => {
      const { createEngine, rand, createGenerator, convTranspose2d, convTranspose2dSync } = library;
      globalThis.settled = 0;
      globalThis.pending = (async () => {
        const engine = await createEngine({ threads, yieldEveryMs: 0 });
        const generator = createGenerator(1);
        const x = rand([1, 128, 32, 32], { engine, generator });
        const w = rand([128, 64, 4, 4], { engine, generator });
        const options = { stride: 1, padding: 1 };
        const expected = convTranspose2dSync(x, w, null, options).toTypedArray();
        const states: string[] = [];
        const calls = Array.from({ length: count }, async () => {
          const result = await convTranspose2d(x, w, null, options);
          states.push(document.visibilityState);
          globalThis.settled++;
          const values = result.toTypedArray();
          result.dispose();
          return values.every((value, i) => Object.is(value, expected[i]));
        });
        const same = (await Promise.all(calls)).every(Boolean);
        return { same, threads: engine.info.threads, states };
      })();
    },
    threads,
    calls,
  );
}

const outcome = (): Promise<{ same: boolean; threads: number; states: string[] }> =>
  page.evaluate(() => globalThis.pending);
const settledCalls = (): Promise<number> => page.evaluate(() => globalThis.settled);

/** Whether a timer of the page took longer than it should, before many did not. */
function untilTimersAreHeldBack(): Promise<boolean> {
  return page.evaluate(async () => {
    for (let timer = 0; timer < 2000; timer++) {
      const began = performance.now();
      await new Promise((resolve) => {
        globalThis.setTimeout(resolve, 5);
      });
      if (performance.now() - began > 500) return true;
    }
    return false;
  });
}

/** @returns what ends it */
async function freeze(): Promise<() => Promise<void>> {
  const session = await page.createCDPSession();
  await session.send('Page.setWebLifecycleState', { state: 'frozen' });
  return async () => session.send('Page.setWebLifecycleState', { state: 'active' });
}

describe.each([
  ['two threads', 'isolated', 2],
  ['one thread', 'isolated', 1],
  ['one thread, not isolated', 'notIsolated', 1],
] as const)('%s', (_, site, threads) => {
  test('calls of a page that is hidden are done, and right, while its timers are held back', async () => {
    await openPage(site);
    const other = await browser.newPage();
    await other.bringToFront();
    await page.waitForFunction(() => document.visibilityState === 'hidden', { polling: 50 });
    expect(await untilTimersAreHeldBack()).toBe(true);
    await begin(threads);
    const { same, threads: found, states } = await outcome();
    expect({ same, found }).toEqual({ same: true, found: threads });
    expect(new Set(states)).toEqual(new Set(['hidden']));
    expect(await untilTimersAreHeldBack()).toBe(true);
  });

  test('calls of a page that is frozen stand still, and are done when it goes on', async () => {
    await openPage(site);
    await begin(threads, MANY_CALLS);
    await page.waitForFunction(() => globalThis.settled > 0, { polling: 5 });
    const resume = await freeze();
    const before = await settledCalls();
    await setTimeout(1500);
    expect(await settledCalls()).toBeLessThanOrEqual(before + 1);
    expect(before).toBeLessThan(MANY_CALLS);
    await resume();
    expect(await outcome()).toMatchObject({ same: true, threads });
    expect(await page.evaluate(() => globalThis.events)).toEqual(['freeze', 'resume']);
  });

  test('an engine that is made as the page is frozen works when it goes on', async () => {
    await openPage(site);
    await begin(threads);
    const resume = await freeze();
    await setTimeout(6000); // longer than workers may take to answer
    await resume();
    const { same, threads: found } = await outcome();
    expect(same).toBe(true);
    expect([1, threads]).toContain(found);
  });
});
