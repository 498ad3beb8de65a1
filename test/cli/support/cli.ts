import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import type { Outcome } from '../../support/many_times.ts';
import { manyTimes } from '../../support/many_times.ts';

/** The built program; UPCONV_CLI tests another copy, such as an installed package. */
export const CLI: string = process.env['UPCONV_CLI'] ?? fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));

function builtProgram(): string {
  if (!existsSync(CLI)) throw new Error(`${CLI} is missing: run \`npm run build\` first`);
  return CLI;
}

/** Runs the built program in `folder`. */
export function runCli(folder: string, ...args: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [builtProgram(), ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}

/** The same without a process for each. */
export function manyClis(folder: string): (...args: string[]) => Promise<Outcome> {
  return manyTimes(builtProgram(), folder);
}

/** A folder of this test file, removed at its end. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'upconv-cli-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Names of everything in `folder`, hidden files too. */
export function listing(folder: string): string[] {
  return readdirSync(folder).sort();
}
