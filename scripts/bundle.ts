/** Bundles src/ into dist/ with esbuild, declares types with tsc, lists the licences of what was bundled. */

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Metafile } from 'esbuild';

/** Libraries of the development tree whose code ends up in dist/, by package folder. */
function bundledPackages(metafile: Metafile): string[] {
  const used = new Set<string>();
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path);
      if (match !== null && bytesInOutput > 0) used.add(match[1]);
    }
  }
  return [...used].toSorted();
}

function licenceText(folder: string): string {
  const manifest = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as {
    name: string;
    version: string;
    license?: string;
  };
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  const text = file === undefined ? '(the package has no licence file)' : readFileSync(`${folder}/${file}`, 'utf8');
  return `${manifest.name} ${manifest.version} (${manifest.license ?? 'see below'})\n\n${text.trim()}\n`;
}

/** Writes dist/. */
export async function bundle(): Promise<void> {
  const result = await build({
    entryPoints: { index: 'src/index.ts', ...(existsSync('src/cli.ts') ? { cli: 'src/cli.ts' } : {}) },
    outdir: 'dist',
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['import'],
    external: ['node:*', 'fs', 'path', 'process', 'zlib', 'os', 'util', 'events', 'child_process', 'buffer', 'stream'],
    chunkNames: 'chunks/[name]-[hash]',
    sourcemap: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  if (existsSync('dist/cli.js')) {
    const cli = readFileSync('dist/cli.js', 'utf8');
    if (!cli.startsWith('#!')) writeFileSync('dist/cli.js', `#!/usr/bin/env node\n${cli}`);
    chmodSync('dist/cli.js', 0o755);
  }
  writeFileSync(
    'dist/THIRD_PARTY_LICENSES.txt',
    bundledPackages(result.metafile)
      .map(licenceText)
      .join(`\n${'-'.repeat(80)}\n\n`),
  );
  const tsc = fileURLToPath(new URL('bin/tsc', import.meta.resolve('typescript/package.json')));
  execFileSync(
    process.execPath,
    [tsc, '-p', 'tsconfig.json', '--noEmit', 'false', '--emitDeclarationOnly', '--outDir', 'dist/types'],
    { stdio: 'inherit' },
  );
}
