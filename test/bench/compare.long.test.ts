import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const worktrees = (): string => execFileSync('git', ['worktree', 'list'], { cwd: root, encoding: 'utf8' });

// an archive of the sources has no history
test.runIf(existsSync(`${root}.git`))(
  'another commit is built, timed beside this one, and leaves nothing behind',
  () => {
    const before = worktrees();
    const args = ['bench/run.ts', '--compare', 'HEAD', '--layers', 'mediapipe-selfie', '--budget', '0.5'];
    const { status, stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Before: [0-9a-f]+\. After: commit [0-9a-f]+/);
    expect(stdout.split('\n').filter((line) => line.startsWith('| mediapipe-selfie'))).toHaveLength(3);
    expect(worktrees()).toBe(before);
  },
);
