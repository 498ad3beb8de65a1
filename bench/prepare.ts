/** Makes what the benchmark needs and git does not hold: the peers, and an up-to-date dist/. */

import { execFileSync } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const SOURCES = ['src/**/*.ts', 'assembly/**/*.ts', 'scripts/{build,bundle}.ts', 'asconfig.json', 'package-lock.json'];
const GENERATED = ['src/wasm/inlined/**'];
const BUILT = 'dist/index.js';

function changedAt(path: string): number {
  return statSync(path).mtimeMs;
}

function isStale(): boolean {
  if (!existsSync(BUILT)) return true;
  const built = changedAt(BUILT);
  return globSync(SOURCES, { exclude: GENERATED }).some((path) => changedAt(path) > built);
}

if (!existsSync('bench/node_modules')) {
  execFileSync('npm', ['ci', '--prefix', 'bench', '--no-audit', '--no-fund'], { stdio: 'inherit' });
}
if (isStale()) execFileSync(process.execPath, ['scripts/build.ts'], { stdio: 'inherit' });
