/**
 * Packs the package, builds a page that uses it with every bundler, and opens each page in Chromium.
 *
 *   node test/bundlers/run.ts [name, or a part of it, as in bundlers.ts …]
 *
 * Without Chromium it says so and ends; where CI is set, that is a failure.
 */

import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { installPackages } from '../../scripts/install.ts';
import * as upconv from '../../src/index.ts';
import { openBrowser } from '../browsers/browser_process.ts';
import { BROWSERS, isInstalled } from '../browsers/browsers.ts';
import { serve } from '../browsers/site.ts';
import { writeRow } from '../runtimes/rows.ts';
import type { Bundler } from './bundlers.ts';
import { BUNDLERS, FOLDER } from './bundlers.ts';
import { checkUnused, unusedIn, variantsIn } from './inspect.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const OUT = join(root, 'build/bundlers');
/** A page that has not reported by then does not work. */
const PATIENCE_MS = 60_000;

interface PageReport {
  readonly crossOriginIsolated: boolean;
  readonly info?: upconv.EngineInfo;
  readonly output?: readonly number[];
  readonly error?: string;
  /** Of the worker that was started last. */
  readonly workerUrl?: string;
}

interface Trial {
  readonly problems: readonly string[];
  /** Where the workers came from: a file that the bundler has found, or the source in the package. */
  readonly worker: 'file' | 'Blob';
}

/** Puts the package into node_modules as npm would. */
function installPackage(): void {
  const folder = join(FOLDER, 'node_modules/upconv');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  mkdirSync(OUT, { recursive: true });
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', OUT], {
    cwd: root,
    encoding: 'utf8',
  });
  const [{ filename }] = JSON.parse(output) as [{ filename: string }];
  execFileSync('tar', ['-xzf', join(OUT, filename), '--strip-components=1', '-C', folder]);
}

/** What run.js computes, computed here. */
async function expectedOutput(): Promise<readonly number[]> {
  const numbers = (count: number) => Float32Array.from({ length: count }, (_, i) => ((i * 37) % 101) / 64);
  const engine = await upconv.createEngine({ threads: 1 });
  const input = upconv.tensor(numbers(32 * 16 * 16), [1, 32, 16, 16], { engine });
  const weight = upconv.tensor(numbers(32 * 16 * 16), [32, 16, 4, 4], { engine });
  const output = await upconv.convTranspose2d(input, weight, null, { stride: 2, padding: 1 });
  return [...output.toTypedArray()];
}

function versionOf(name: string | null): string {
  if (name === null) return '–';
  return (JSON.parse(readFileSync(join(FOLDER, 'node_modules', name, 'package.json'), 'utf8')) as { version: string })
    .version;
}

async function tryBundler(bundler: Bundler, expected: readonly number[]): Promise<Trial> {
  const out = join(OUT, bundler.name);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const site = await bundler.build(out);
  const served = await serve(site.handler);
  const problems: string[] = [];
  const browser = await openBrowser('chromium', served.url, (message) => problems.push(message));
  try {
    const late = setTimeout(PATIENCE_MS, JSON.stringify({ error: 'the page did not report' }), { ref: false });
    const report = JSON.parse(await Promise.race([served.report, late])) as PageReport;
    const { info, output } = report;
    if (report.error !== undefined) problems.push(report.error);
    else if (!report.crossOriginIsolated) problems.push('the page is not isolated');
    else if (info?.threads !== 2) problems.push(`threads: ${info?.threads}, ${info?.threadsReason}`);
    if (info?.relaxed === false) problems.push('no relaxed SIMD');
    if (JSON.stringify(output) !== JSON.stringify(expected)) problems.push('the output is wrong');
    const scripts = await Promise.all(
      served.found.map(async (path) => (await fetch(new URL(path, served.url))).text()),
    );
    const variants = variantsIn(scripts);
    if (variants.join() !== 'relaxed-threads')
      problems.push(`downloads variants: ${variants.join(', ') || 'none found'}`);
    const unused = bundler.shakes ? unusedIn(scripts) : [];
    if (unused.length > 0) problems.push(`keeps ${unused.join(', ')}`);
    if (served.missing.length > 0 && bundler.package === null) problems.push(`not found: ${served.missing.join(', ')}`);
    return { problems, worker: report.workerUrl?.startsWith('blob:') ? 'Blob' : 'file' };
  } finally {
    await browser.close();
    await served.close();
    await site.close?.();
  }
}

async function main(): Promise<void> {
  if (!isInstalled('chromium')) {
    console.error(`Chromium is not installed: apt-get install ${BROWSERS.chromium.packages.join(' ')}`);
    if (process.env.CI) process.exitCode = 1;
    return;
  }
  installPackages('test/bundlers');
  installPackage();
  checkUnused(globSync(join(root, 'dist/*.js')).map((path) => readFileSync(path, 'utf8')));
  const expected = await expectedOutput();
  const wanted = process.argv.slice(2).map((argument) => argument.toLowerCase());
  for (const bundler of BUNDLERS) {
    const { name, title } = bundler;
    if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue;
    const started = performance.now();
    const version = versionOf(bundler.package);
    const { problems, worker } = await tryBundler(bundler, expected).catch((error: unknown): Trial => ({
      problems: [String(error)],
      worker: 'file',
    }));
    const works = problems.length === 0;
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(
      `${works ? 'works ' : 'FAILED'}  ${`${title} ${version}`.padEnd(28)} threads from a ${worker}  ${seconds} s`,
    );
    for (const problem of problems) console.log(`        ${problem}`);
    if (works) writeRow(name, { runtime: title, version, threads: 'in isolated pages', relaxedSimd: true });
    else process.exitCode = 1;
  }
}

await main();
