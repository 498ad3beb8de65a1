/** The packed package in Node, Deno and Bun, installed as users install it. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';
import { build, transform } from 'esbuild';
import { beforeAll, expect, test } from 'vitest';
import hashes from '../determinism/hashes.json' with { type: 'json' };
import { HAS_AVX2 } from '../support/cpu.ts';
import type { Found } from './check.ts';
import type { RuntimeName } from './rows.ts';
import { writeRow } from './rows.ts';

interface Runtime {
  readonly title: string;
  readonly command: string;
  /** Before the name of the program. */
  readonly args: readonly string[];
  readonly relaxed: boolean;
}

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const installed = (binary: string): string => path(`node_modules/${binary}`);

const RUNTIMES: readonly (readonly [RuntimeName, Runtime])[] = [
  ['node-20', { title: 'Node 20', command: installed('node20/bin/node'), args: [], relaxed: false }],
  ['node-22', { title: 'Node 22', command: installed('node22/bin/node'), args: [], relaxed: true }],
  ['node-24', { title: 'Node 24', command: installed('node24/bin/node'), args: [], relaxed: true }],
  ['node-26', { title: 'Node 26', command: process.execPath, args: [], relaxed: true }],
  ['deno', { title: 'Deno', command: installed('.bin/deno'), args: ['run', '-A'], relaxed: true }],
  ['bun', { title: 'Bun', command: installed('.bin/bun'), args: ['run'], relaxed: true }],
];

/** Where the package is installed: an application with nothing else. */
const application = path('../../build/runtimes/');

/** Tests import the sources; here what they import is the package. */
const packageForSources: Plugin = {
  name: 'package-for-sources',
  setup(bundling) {
    bundling.onResolve({ filter: /\/src\/index\.ts$/ }, () => ({ path: 'upconv', external: true }));
  },
};

beforeAll(async () => {
  rmSync(application, { recursive: true, force: true });
  const folder = `${application}node_modules/upconv`;
  mkdirSync(folder, { recursive: true });
  const root = path('../..');
  const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', application], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  execFileSync('tar', ['-xzf', application + filename, '-C', folder, '--strip-components=1']);
  const manifest = { type: 'module', dependencies: { upconv: '*' } };
  writeFileSync(`${application}package.json`, JSON.stringify(manifest));
  const { code } = await transform(readFileSync(path('check.ts'), 'utf8'), { loader: 'ts', target: 'node20' });
  writeFileSync(`${application}check.js`, code);
  await build({
    entryPoints: [path('bits.ts')],
    outfile: `${application}bits.js`,
    bundle: true,
    format: 'esm',
    target: 'node20',
    platform: 'node',
    plugins: [packageForSources],
  });
});

/** A program that takes longer hangs. */
const PROGRAM_MS = 120_000;

/** What a program of the application prints, as JSON. */
function outputOf(program: string, { command, args }: Runtime): unknown {
  const { status, stdout, stderr } = spawnSync(command, [...args, program], {
    cwd: application,
    encoding: 'utf8',
    timeout: PROGRAM_MS,
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout);
}

/** Their V8 joins vectors where the CPU has AVX2. */
const JOINING = new Set<RuntimeName>(['node-24', 'node-26']);

test.each(RUNTIMES)(
  '%s',
  (name, runtime) => {
    const { title, relaxed } = runtime;
    const found = outputOf('check.js', runtime) as Found;
    const threads = availableParallelism();
    const suffix = threads > 1 ? '-threads' : '';
    const wide = JOINING.has(name) && HAS_AVX2;
    expect(found).toMatchObject({ relaxed, wide, threads, variant: `${relaxed ? 'relaxed' : 'simd'}${suffix}` });
    expect(outputOf('bits.js', runtime)).toEqual({ 1: hashes, 2: hashes });
    writeRow(name, { runtime: title, version: found.version, threads: 'yes', relaxedSimd: relaxed });
  },
  2 * PROGRAM_MS,
);
