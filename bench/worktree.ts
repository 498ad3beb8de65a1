/** Another commit of this repository, built in a folder of its own. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Package } from '../src/cli/benchmark/layer_calls.ts';
import { UsageError } from './usage_error.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Short name of a commit. @throws {UsageError} when there is no such commit */
export function resolveCommit(name: string): string {
  try {
    return git('rev-parse', '--verify', '--quiet', '--short', `${name}^{commit}`);
  } catch (cause) {
    throw new UsageError(`--compare: ${name} is no commit`, { cause });
  }
}

/** Calls `use` with the package as that commit builds it; the folder is gone afterwards. */
export async function withPackageOf<T>(commit: string, use: (upconv: Package) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'upconv-compare-'));
  git('worktree', 'add', '--detach', folder, commit);
  try {
    installDependencies(folder);
    execFileSync(process.execPath, ['scripts/build.ts'], { cwd: folder, stdio: ['ignore', 2, 2] });
    return await use((await import(pathToFileURL(join(folder, 'dist/index.js')).href)) as Package);
  } finally {
    git('worktree', 'remove', '--force', folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Those of this checkout where the lock files are equal, else its own. */
function installDependencies(folder: string): void {
  const [mine, theirs] = [root, folder].map((at) => readFileSync(join(at, 'package-lock.json'), 'utf8'));
  if (mine === theirs) symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  else execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: ['ignore', 2, 2] });
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}
