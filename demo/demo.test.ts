/** The demo page as a visitor uses it, in Chromium. */

import { mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { launch, type Browser, type Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BROWSERS } from '../test/browsers/browsers.ts';
import { files, serve, type Served } from '../test/browsers/site.ts';
import { buildDemo } from './build.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const SCREENSHOTS = `${root}build/demo-screenshots`;
const WINDOW = { width: 1100, height: 1500 };
const PHONE = { width: 360, height: 740, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const PICTURE = readFileSync(`${root}assets/picture.png`);

let browser: Browser;
let folder: string;
let isolated: Served;
let page: Page;
/** What the page complained about. */
let complaints: string[];

beforeAll(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  folder = await buildDemo();
  isolated = await serve(files(folder));
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'];
  browser = await launch({ executablePath: BROWSERS.chromium.needs[0], args });
});

afterAll(async () => {
  await browser.close();
  await isolated.close();
});

beforeEach(async () => {
  page = await browser.newPage();
  await page.setViewport(WINDOW);
  complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
});

afterEach(async () => {
  await page.close();
  expect(complaints).toEqual([]);
});

const textOf = (selector: string): Promise<string> => page.$eval(selector, (found) => found.textContent);

/** Waits until the text of an element is of this form. */
async function untilText(selector: string, pattern: RegExp): Promise<void> {
  await page.waitForFunction(
    (selector: string, pattern: string) => new RegExp(pattern).test(document.querySelector(selector)!.textContent),
    { timeout: 60_000 },
    selector,
    pattern.source,
  );
}

async function open(url = isolated.url): Promise<void> {
  await page.goto(url);
  await untilText('#status', /^Ready/);
}

async function setSteps(steps: number): Promise<void> {
  await page.$eval('#steps', (input, steps) => ((input as HTMLInputElement).value = String(steps)), steps);
}

/** PSNR of a row of the table. */
async function decibels(method: string): Promise<number> {
  return Number.parseFloat(await textOf(`tr[data-method=${method}] td`));
}

/** Changes with any pixel of the comparison. */
const viewPixels = (): Promise<string> =>
  page.$eval('#view', (canvas) => (canvas as HTMLCanvasElement).toDataURL('image/png'));

const screenshot = async (name: string): Promise<void> => {
  await page.screenshot({ path: `${SCREENSHOTS}/${name}.png`, fullPage: true });
};

/** Gives the page a file as a drop does. */
async function drop(name: string, type: string, base64: string): Promise<void> {
  await page.evaluate(
    (name, type, base64) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([bytes], name, { type }));
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    },
    name,
    type,
    base64,
  );
}

describe('training', () => {
  test('beats bicubic on the bundled picture and shows how', async () => {
    await open();
    expect(await decibels('bicubic')).toBeGreaterThan(await decibels('nearest'));
    expect(await textOf('tr[data-method=learned] td')).toBe('not trained');
    const before = await viewPixels();
    const emptyPlot = await page.$eval('#plot canvas', (canvas) => canvas.toDataURL());
    await screenshot('ready');
    await page.click('#train');
    await untilText('#step', /^Step \d{3,}/);
    await screenshot('training');
    await untilText('#status', /^Learned/);
    await screenshot('learned');
    expect(await decibels('learned')).toBeGreaterThan(await decibels('bicubic'));
    expect(await page.$eval('#progress', (bar) => (bar as HTMLProgressElement).position)).toBe(1);
    expect(await page.$eval('#right', (select) => (select as HTMLSelectElement).value)).toBe('learned');
    expect(await viewPixels()).not.toBe(before);
    const plot = await page.$eval('#plot canvas', (canvas) => canvas.toDataURL());
    expect(plot).not.toBe(emptyPlot);
  });

  test('ends when cancelled, and starts again', async () => {
    await open();
    await setSteps(100_000);
    await page.click('#train');
    await untilText('#step', /^Step/);
    expect(await page.$eval('#train', (button) => (button as HTMLButtonElement).disabled)).toBe(true);
    await page.click('#cancel');
    await untilText('#status', /^Cancelled after \d+ of 100000 steps/);
    expect(await textOf('tr[data-method=learned] td')).toBe('not trained');
    await setSteps(20);
    await page.click('#train');
    await untilText('#status', /^Learned from 20 steps/);
  });

  test('runs from the keyboard alone', async () => {
    await open();
    await page.focus('#file');
    const seen: string[] = [];
    for (let i = 0; i < 20; i++) {
      const id = await page.evaluate(() => document.activeElement!.id);
      if (id === 'steps') {
        await page.keyboard.down('Control');
        await page.keyboard.press('a');
        await page.keyboard.up('Control');
        await page.keyboard.type('20');
      }
      if (id === 'train') break;
      seen.push(id);
      await page.keyboard.press('Tab');
    }
    expect(seen).toEqual(['file', 'bundled', 'scale', 'steps']);
    await page.keyboard.press('Enter');
    await untilText('#status', /^Learned from 20 steps/);
    const before = await viewPixels();
    await page.focus('#divider');
    await page.keyboard.press('Home');
    const divided = await viewPixels();
    expect(divided).not.toBe(before);
    await page.focus('#view');
    await page.keyboard.press('ArrowRight');
    expect(await viewPixels()).not.toBe(divided);
  });
});

describe('pictures', () => {
  test('a dropped photo ends the training and takes the place of the picture', async () => {
    await open();
    await setSteps(100_000);
    await page.click('#train');
    await untilText('#step', /^Step/);
    await drop('mine.png', 'image/png', PICTURE.toString('base64'));
    await untilText('#photo', /^mine\.png: 768 × 512 pixels$/);
    await untilText('#status', /^Ready/);
    await setSteps(20);
    await page.waitForSelector('#train:enabled');
    await page.click('#train');
    await untilText('#status', /^Learned from 20 steps/);
    expect(await textOf('#photo')).toMatch(/^mine\.png/);
  });

  test('what is no picture is refused in words and changes nothing', async () => {
    await open();
    await drop('notes.txt', 'text/plain', Buffer.from('no pixels').toString('base64'));
    await untilText('#problem', /^“notes\.txt” is not a picture/);
    expect(await textOf('#photo')).toMatch(/^bundled picture/);
  });

  test('one too small is refused with the size that is needed', async () => {
    await open();
    const small = await page.evaluate(() => {
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [20, 90];
      return canvas.toDataURL('image/png').split(',')[1];
    });
    await drop('small.png', 'image/png', small);
    await untilText('#problem', /20 × 90 pixels, 32 × 32 are needed at 2×/);
    expect(await textOf('#photo')).toMatch(/^bundled picture/);
  });

  test('a scale that it is too small for is taken back', async () => {
    await open();
    const small = await page.evaluate(() => {
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [40, 90];
      return canvas.toDataURL('image/png').split(',')[1];
    });
    await drop('small.png', 'image/png', small);
    await untilText('#photo', /^small\.png: 40 × 90 pixels$/);
    await page.select('#scale', '3');
    await untilText('#problem', /48 × 48 are needed at 3×/);
    expect(await page.$eval('#scale', (select) => (select as HTMLSelectElement).value)).toBe('2');
  });

  test.each(['3', '4'])('scale %s', async (scale) => {
    await open();
    const before = await decibels('bicubic');
    await page.select('#scale', scale);
    await setSteps(20);
    await page.click('#train');
    await untilText('#status', /^Learned from 20 steps/);
    expect(await decibels('bicubic')).toBeLessThan(before);
    expect(await decibels('learned')).toBeGreaterThan(0);
  });
});

describe('speed of this browser', () => {
  test('bars beside onnxruntime-web; stopped, it can be measured again', async () => {
    await open();
    await page.focus('#learn-tab');
    await page.keyboard.press('ArrowRight');
    expect(await page.$eval('#learn-panel', (panel) => (panel as HTMLElement).hidden)).toBe(true);
    for (const _ of ['first', 'again']) {
      await page.click('#measure');
      await page.waitForSelector('#bars li:nth-child(2)', { timeout: 60_000 });
      const bars = await page.$$eval('#bars .bar span', (spans) =>
        spans.map((span) => ({
          gflops: Number.parseFloat(span.textContent),
          width: Number.parseFloat(getComputedStyle(span, '::before').width),
        })),
      );
      const [longest] = bars.toSorted((a, b) => b.gflops - a.gflops);
      for (const { gflops, width } of bars) {
        expect(gflops).toBeGreaterThan(0);
        expect(width / longest.width).toBeCloseTo(gflops / longest.gflops, 1); // figures are rounded to a tenth
      }
      await screenshot('speed');
      await page.click('#stop');
      await untilText('#speed-status', /^Stopped after \d+ layers/);
    }
    expect(await textOf('#speed-versions')).toMatch(/^upconv, variant (?:relaxed|simd), .*; onnxruntime-web \d+\./);
  });
});

test('the divider follows the pointer, the picture moves elsewhere', async () => {
  await open();
  const box = (await (await page.$('#view'))!.boundingBox())!;
  const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const divider = (): Promise<number> => page.$eval('#divider', (range) => (range as HTMLInputElement).valueAsNumber);
  const drag = async (from: number, by: number): Promise<void> => {
    await page.mouse.move(from, middle.y);
    await page.mouse.down();
    await page.mouse.move(from + by, middle.y, { steps: 3 });
    await page.mouse.up();
  };
  await drag(middle.x, box.width / 4);
  expect(await divider()).toBeCloseTo(75, 0);
  const before = await viewPixels();
  await drag(box.x + 50, 80);
  expect(await divider()).toBeCloseTo(75, 0);
  expect(await viewPixels()).not.toBe(before);
});

describe('threads', () => {
  test.runIf(availableParallelism() > 1)('are on where the page is isolated', async () => {
    const fresh = await serve(files(folder));
    try {
      await open(fresh.url);
      expect(await textOf('#engine')).toMatch(/variant (?:relaxed|simd)-threads, \d+ threads, register tile \d+x\d+$/);
      expect(await page.$eval('#threads-off', (notice) => (notice as HTMLElement).hidden)).toBe(true);
      const variants = fresh.found.filter((path) => /^\/(?:relaxed|simd).*\.js$/.test(path));
      expect(variants.length).toBe(1); // a browser loads no other, and onnxruntime-web on demand
      expect(fresh.found.filter((path) => path.includes('ort-wasm'))).toEqual([]);
    } finally {
      await fresh.close();
    }
  });

  test('are explained where they are off, and it still learns', async () => {
    const plain = await serve(files(folder), false);
    try {
      await open(plain.url);
      expect(await textOf('#engine')).toMatch(/1 thread,/);
      expect(await textOf('#threads-off')).toMatch(/not cross-origin isolated.*Cross-Origin-Embedder-Policy/);
      await setSteps(300);
      await page.click('#train');
      await untilText('#status', /^Learned/);
      await screenshot('one-thread');
      expect(await decibels('learned')).toBeGreaterThan(await decibels('nearest'));
    } finally {
      await plain.close();
    }
  });
});

test('fits a phone', async () => {
  await page.setViewport(PHONE);
  await open();
  await setSteps(300);
  await page.tap('#train');
  await untilText('#status', /^Learned/);
  await screenshot('phone');
  const widths = [];
  for (const tab of ['#speed-tab', '#learn-tab']) {
    await page.tap(tab);
    widths.push(await page.evaluate(() => document.scrollingElement!.scrollWidth));
  }
  expect(widths).toEqual([PHONE.width, PHONE.width]);
  const small = await page.$$eval('button, select, .button', (all) =>
    all.filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 36).map((one) => one.id),
  );
  expect(small).toEqual([]); // fingers need room
});
