/**
 * Everything a release takes but the upload: `npm run release`. Publishes nothing: npm is asked for a dry run.
 *
 * Provenance is a statement, signed by the machine that builds, of which commit the package was made from; npm takes it
 * only from a CI service, which runs the last command without `--dry-run`.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const git = (...args: readonly string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim();

/** What has to hold before anything is built. */
function problems(): string[] {
  const changelog = readFileSync('CHANGELOG.md', 'utf8');
  const waiting = globSync('.changeset/*.md').filter((path) => !path.endsWith('README.md'));
  return [
    ...(git('status', '--porcelain') === '' ? [] : ['files differ from the commit: git status']),
    ...(git('tag', '--list', `v${version}`) === '' ? [] : [`the version ${version} has a tag already`]),
    ...(waiting.length === 0 ? [] : [`${waiting.length} changesets wait: npm run changeset -- version`]),
    ...(new RegExp(`^## ${version.replaceAll('.', '\\.')}$`, 'm').test(changelog)
      ? []
      : [`CHANGELOG.md has no section '## ${version}'`]),
  ];
}

const STEPS: readonly (readonly [string, ...string[]])[] = [
  ['.ci/run'],
  ['npm', 'publish', '--provenance', '--access', 'public', '--dry-run'],
];

function release(): boolean {
  const found = problems();
  for (const problem of found) console.error(`release: ${problem}`);
  if (found.length > 0) return false;
  return STEPS.every(([command, ...args]) => {
    console.log(`> ${[command, ...args].join(' ')}`);
    return spawnSync(command, args, { stdio: 'inherit' }).status === 0;
  });
}

if (!release()) process.exitCode = 1;
