/** What the program writes where: progress on a terminal, nothing but results on stdout, a reader that leaves early. */

import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodePng, encodePng } from '../../src/cli/image/png.ts';
import { CLI, runCli, temporaryFolder } from './support/cli.ts';

const folder = temporaryFolder();
const picture = { width: 40, height: 36, channels: 3, depth: 8 } as const;
const data = new Uint8Array(40 * 36 * 3).map((_, i) => i * i);
writeFileSync(join(folder, 'in.png'), encodePng({ ...picture, data }));
const UPSCALE = ['upscale', 'in.png', 'out.png', '--steps', '400'];

test('progress on stderr when it is a terminal, gone at the end; none when it is not', () => {
  // a pipe that says it is a terminal: what a pseudo-terminal would get
  const terminal = ['--import', 'data:text/javascript,process.stderr.isTTY=true'];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...terminal, CLI, ...UPSCALE], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  const lines = stderr.split('\r\u001B[K');
  expect(lines.some((line) => /^training \d+\/400, loss /.test(line))).toBe(true);
  expect(lines.some((line) => /^upscaling row \d+\/72$/.test(line))).toBe(true);
  expect(lines.at(-1)).toBe('');
  expect(stdout).not.toContain('\r');
  const piped = runCli(folder, ...UPSCALE);
  expect([piped.code, piped.stderr]).toEqual([0, '']);
});

test('a reader of stdout that leaves early changes nothing', async () => {
  const child = spawn(process.execPath, [CLI, 'upscale', 'in.png', 'left.png', '--steps', '5'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString();
  });
  const code = await new Promise((resolve) => {
    child.on('close', resolve);
  });
  expect([code, stderr]).toEqual([0, '']);
  expect(decodePng(readFileSync(join(folder, 'left.png')))).toMatchObject({ width: 80, height: 72 });
});
