/** Checks the package as npm would publish it: its files, its entry points, its types. Needs dist/. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reachableFrom } from './reachable.ts';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

/** Everything else in the tarball lies in dist/. */
const BESIDE_DIST = ['CHANGELOG.md', 'LICENSE', 'README.md', 'bench/layers.json', 'llms.txt', 'package.json'];
const { exports, bin } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
/** What package.json names. */
const NAMED = [...Object.values(exports).flatMap(pathsOf), ...Object.values(bin)].map((path) => join('.', path));

interface Manifest {
  /** A path, or one for every condition. */
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly bin: Readonly<Record<string, string>>;
}

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

function pathsOf(entry: string | Readonly<Record<string, string>>): string[] {
  return typeof entry === 'string' ? [entry] : Object.values(entry);
}

/** Exactly what users need: what package.json names, what that imports, its source maps, licences and texts. */
function neededFiles(): Set<string> {
  const reached = [...reachableFrom(NAMED)];
  const mapped = reached.filter(
    (path) => path.endsWith('.js') && readFileSync(path, 'utf8').includes('//# sourceMappingURL='),
  );
  return new Set([...BESIDE_DIST, 'dist/THIRD_PARTY_LICENSES.txt', ...reached, ...mapped.map((path) => `${path}.map`)]);
}

function fileProblems(files: readonly string[]): string[] {
  const needed = neededFiles();
  const missing = [...needed].filter((file) => !files.includes(file));
  const surplus = files.filter((file) => !needed.has(file));
  return [...missing.map((file) => `${file} is missing`), ...surplus.map((file) => `${file} does not belong there`)];
}

function succeeds(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'inherit' }).status === 0;
}

const folder = mkdtempSync(join(tmpdir(), 'upconv-pack-'));
try {
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    encoding: 'utf8',
  });
  const [{ filename, files }] = JSON.parse(output) as [Packed];
  const problems = fileProblems(files.map(({ path }) => path));
  for (const problem of problems) console.error(`tarball: ${problem}`);
  const tarball = join(folder, filename);
  const results = [
    problems.length === 0,
    succeeds('publint', 'run', tarball, '--strict'),
    succeeds('attw', tarball, '--profile', 'esm-only', '--no-definitely-typed'),
  ];
  if (results.includes(false)) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
