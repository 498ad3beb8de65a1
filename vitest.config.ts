import type { BrowserConfigOptions } from 'vitest/node';
import { defineConfig } from 'vitest/config';
import { BROWSER_NAMES } from './test/browsers/browsers.ts';
import { probePages } from './test/browsers/probe_server.ts';
import { spawnedBrowser } from './test/browsers/provider.ts';
import { FINISHED_VARIABLE, PageReporter, REPORT_VARIABLE } from './test/browsers/reporter.ts';
import { wideVectors } from './test/wide/plugin.ts';
import {
  DEMO,
  FUZZ,
  LONG,
  NODE_ONLY,
  NOT_ISOLATED,
  NOT_WIDE,
  OWN_COMMAND,
  OWN_MODULES,
  OWN_PROCESS,
  PAGE_ONLY,
  PYTORCH,
  RUNTIMES,
  TFJS,
  WIDE,
  WORKERS,
} from './test/kinds.ts';
import { ProcessesFirst } from './test/sequencer.ts';

/** What a page has to be served with so that threads can share memory. */
const ISOLATION = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
/** Of files that are not `OWN_MODULES`. */
const SHARED_MODULES = { isolate: false, setupFiles: 'test/setup.ts' };
/** V8 joins vectors for modules that are made for it. */
const WIDE_VECTORS = ['--experimental-wasm-revectorize'];
const TIMEOUT = { testTimeout: 60_000, hookTimeout: 60_000 };
/** What tests ask the environment for: a page has none. */
const ENVIRONMENT = Object.fromEntries(
  ['UPCONV_TEST_SEED', 'UPCONV_PEER_VECTORS'].map((name) => [name, process.env[name] ?? '']),
);
const READABLE = ['.', ENVIRONMENT.UPCONV_PEER_VECTORS].filter((folder) => folder !== '');

/** Of a run in pages, as test/browsers/run.ts starts it: files that have run in an earlier one, and who is told. */
const FINISHED = JSON.parse(process.env[FINISHED_VARIABLE] ?? '[]') as string[];
const reportPath = process.env[REPORT_VARIABLE];

/**
 * Every browser, as projects of the names that `nameOf` gives them.
 * @param sharing where files share modules, which takes half the time; WebKitGTK has a page for each, as one page of all
 *   grows so slow that workers answer too late
 */
const inBrowsers = (nameOf: (browser: string) => string, sharing = false): BrowserConfigOptions => ({
  enabled: true,
  headless: true,
  screenshotFailures: false,
  provider: spawnedBrowser(),
  instances: BROWSER_NAMES.map((browser) => ({
    browser,
    name: nameOf(browser),
    provide: { browser },
    isolate: !sharing || browser === 'webkit',
  })),
});

export default defineConfig({
  test: {
    sequence: { sequencer: ProcessesFirst },
    ...(reportPath !== undefined && { reporters: ['default', new PageReporter(reportPath)] }),
    projects: [
      {
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: [...LONG, ...PAGE_ONLY, ...OWN_COMMAND, ...OWN_PROCESS, ...OWN_MODULES],
          pool: 'threads', // start in half the time of processes
          ...SHARED_MODULES,
          ...TIMEOUT,
        },
      },
      { test: { name: 'modules', include: OWN_MODULES, pool: 'threads', ...TIMEOUT } },
      { test: { name: 'process', include: OWN_PROCESS, ...TIMEOUT } },
      {
        plugins: [wideVectors],
        test: {
          name: 'wide',
          include: ['test/**/*.test.ts'],
          exclude: [
            ...LONG,
            ...PAGE_ONLY,
            ...OWN_COMMAND.filter((path) => !WIDE.includes(path)),
            ...OWN_MODULES,
            ...NOT_WIDE,
          ],
          execArgv: WIDE_VECTORS,
          ...SHARED_MODULES,
          ...TIMEOUT,
        },
      },
      {
        plugins: [wideVectors],
        test: { name: 'wide-modules', include: OWN_MODULES, exclude: NOT_WIDE, execArgv: WIDE_VECTORS, ...TIMEOUT },
      },
      { test: { name: 'long', include: LONG, testTimeout: 600_000, hookTimeout: 60_000 } },
      // a target takes the time that it is given, and a failure as long to shrink
      { test: { name: 'fuzz', include: FUZZ, testTimeout: 0, hookTimeout: 60_000 } },
      { test: { name: 'pytorch', include: PYTORCH, ...TIMEOUT } },
      { test: { name: 'workers', include: WORKERS, ...TIMEOUT } },
      { test: { name: 'runtimes', include: RUNTIMES, ...TIMEOUT } },
      { test: { name: 'tfjs', include: TFJS, ...TIMEOUT } },
      { test: { name: 'demo', include: DEMO, ...TIMEOUT } },
      {
        server: { headers: ISOLATION, fs: { allow: READABLE } },
        plugins: [probePages(ISOLATION)],
        test: {
          name: 'isolated',
          include: ['test/**/*.test.ts'],
          exclude: [...LONG, ...NODE_ONLY, ...OWN_COMMAND, ...OWN_MODULES, ...FINISHED],
          setupFiles: SHARED_MODULES.setupFiles,
          env: ENVIRONMENT,
          browser: inBrowsers((browser) => browser, true),
          ...TIMEOUT,
        },
      },
      {
        server: { headers: ISOLATION },
        plugins: [probePages(ISOLATION)],
        test: {
          name: 'isolated modules',
          include: OWN_MODULES,
          exclude: [...NODE_ONLY, ...FINISHED],
          env: ENVIRONMENT,
          browser: inBrowsers((browser) => `${browser}-modules`),
          ...TIMEOUT,
        },
      },
      {
        plugins: [probePages({})],
        test: {
          name: 'not isolated',
          include: NOT_ISOLATED,
          exclude: FINISHED,
          env: ENVIRONMENT,
          browser: inBrowsers((browser) => `${browser}-not-isolated`),
          ...TIMEOUT,
        },
      },
    ],
  },
});
