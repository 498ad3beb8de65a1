/** The layers of src/ and the separation of assembly/, read from the import statements. */

import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/** Folders of src/ by rank; a file imports only from lower ranks and its own folder. `import type` counts. */
const LAYERS = [
  ['core'],
  ['plan', 'memory', 'wasm'],
  ['kernels', 'threading'],
  ['engine'],
  ['tensor'],
  ['functional'],
  ['nn'],
  ['interop', 'cli'],
];

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Every TypeScript file under `folder`, as a path from the root. */
function sourcesOf(folder: string): string[] {
  return readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
    .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
    .filter((path) => path.endsWith('.ts'));
}

/** What a file imports by relative path, as paths from the root; `values`: without `import type`. */
function importsOf(file: string, values = false): string[] {
  const text = readFileSync(root + file, 'utf8');
  const source = values ? text.replaceAll(/^(?:import|export) type [^;]*;/gm, '') : text;
  const specifiers = source.matchAll(/(?:\bfrom|\bimport\(|\bimport|\bnew URL\()\s*['"](\.[^'"]+)['"]/g);
  return [...specifiers].map(([, target]) => posix.join(posix.dirname(file), target));
}

function rankOf(folder: string): number {
  return LAYERS.findIndex((layer) => layer.includes(folder));
}

describe('src', () => {
  const files = sourcesOf('src');

  test('every folder has a rank', () => {
    const folders = new Set(files.map((file) => file.split('/').slice(1, -1)[0]).filter(Boolean));
    expect([...folders].filter((folder) => rankOf(folder) < 0)).toEqual([]);
    expect(folders.size).toBeGreaterThan(7);
  });

  test('imports go down', () => {
    const violations: string[] = [];
    let edges = 0;
    for (const file of files) {
      const [, folder, ...inside] = file.split('/');
      if (inside.length === 0) continue; // directly in src/: entry points, above every rank
      for (const target of importsOf(file)) {
        edges++;
        const [top, imported, ...rest] = target.split('/');
        const below = rest.length > 0 && (imported === folder || rankOf(imported) < rankOf(folder));
        // the command line is a user of the published library, which the bundle puts beside it
        const allowed = top === 'src' && (below || (folder === 'cli' && rest.length === 0));
        if (!allowed) violations.push(`${file} imports ${target}`);
      }
    }
    expect(violations).toEqual([]);
    expect(edges).toBeGreaterThan(200); // the pattern still finds imports
  });

  test('no file imports itself through others', () => {
    const done = new Set<string>();
    const path: string[] = [];
    const visit = (file: string): void => {
      const from = path.indexOf(file);
      if (from >= 0) throw new Error(`circular: ${[...path.slice(from), file].join(' → ')}`);
      if (done.has(file)) return;
      path.push(file);
      for (const target of importsOf(file, true)) if (files.includes(target)) visit(target);
      path.pop();
      done.add(file);
    };
    expect(() => files.forEach(visit)).not.toThrow();
    expect(done.size).toBe(files.length);
  });
});

describe('assembly', () => {
  const files = sourcesOf('assembly');

  test('imports only from itself', () => {
    const targets = files.flatMap((file) => importsOf(file).map((target) => [file, target]));
    expect(targets.filter(([, target]) => !target.startsWith('assembly/'))).toEqual([]);
    expect(targets.length).toBeGreaterThan(20);
  });

  test('only the worker loop uses atomics', () => {
    const users = files.filter((file) => /\batomic\b/.test(readFileSync(root + file, 'utf8')));
    expect(users.filter((file) => file !== 'assembly/worker_loop.ts')).toEqual([]);
  });

  test('kernels do not allocate and hold no strings', () => {
    const code = files.map((file) => [
      file,
      readFileSync(root + file, 'utf8')
        .replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '')
        .replaceAll(/(?:from|import) '[^']*';/g, '')
        .replaceAll(/offsetof<\w+>\('\w+'\)/g, ''), // a number at compile time
    ]);
    expect(code.filter(([, text]) => /\bnew\b|\bheap\.|__alloc|memory\.grow|['"`]/.test(text)).map(([f]) => f)).toEqual(
      [],
    );
  });
});
