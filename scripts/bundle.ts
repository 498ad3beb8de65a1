/** Bundles src/ into dist/ with esbuild, declares types with tsc, lists the licences of what was bundled. */

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  globSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { BuildOptions, Metafile, Plugin } from 'esbuild';
import { TARGETS } from './compile_wasm.ts';
import { reachableFrom } from './reachable.ts';
import { workerdPlugin } from './workerd_plugin.ts';

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

/** Files directly in src/ are the entry points of the library, and the program. */
const ENTRY_POINTS = globSync('src/*.ts', { exclude: ['src/cli.ts'] });

/** The program imports the library it is shipped with instead of holding a second copy. */
const libraryBeside: Plugin = {
  name: 'library-beside-cli',
  setup(build) {
    const entryPoints = new Set(ENTRY_POINTS.map((path) => resolve(path)));
    build.onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) =>
      entryPoints.has(resolve(resolveDir, path))
        ? { path: `./${basename(path, '.ts')}.js`, external: true }
        : undefined,
    );
  },
};

/** Writes dist/cli.js, for Node alone. Libraries in CommonJS ask for Node's modules by `require`, which ES modules lack. */
async function bundleCli(): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: { cli: 'src/cli.ts' },
    outdir: 'dist',
    bundle: true,
    format: 'esm',
    target: 'node20',
    platform: 'node',
    plugins: [libraryBeside],
    banner: {
      js: "#!/usr/bin/env node\nimport { createRequire as nodeCreateRequire } from 'node:module';\nconst require = nodeCreateRequire(import.meta.url);",
    },
    sourcemap: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  chmodSync('dist/cli.js', 0o755);
  return metafile;
}

/** Bundles the worker without imports. White space keeps the comments that tell bundlers what not to follow. */
async function workerSource(minifyWhitespace: boolean): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: ['src/threading/worker.ts'],
    bundle: true,
    minifyIdentifiers: true,
    minifySyntax: true,
    minifyWhitespace,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    external: ['node:*'],
    write: false,
    logLevel: 'warning',
  });
  return outputFiles[0].text;
}

/** Writes the module that inlines the worker. */
export async function inlineWorker(): Promise<void> {
  mkdirSync('src/threading/inlined', { recursive: true });
  const source = JSON.stringify((await workerSource(true)).trim());
  writeFileSync('src/threading/inlined/worker.ts', `export const source: string = ${source};\n`);
}

/** The entry points of the library, for any runtime. */
const LIBRARY = {
  entryPoints: ENTRY_POINTS,
  bundle: true,
  splitting: true,
  chunkNames: '[name]-[hash]', // in one folder, so that all find the worker and the modules by the same path
  format: 'esm',
  target: 'es2022',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  conditions: ['import'],
  external: ['node:*'],
  inject: ['src/kernels/loader_globals.ts'],
  sourcemap: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
} satisfies BuildOptions;

/** Writes dist/. */
export async function bundle(): Promise<void> {
  const library = await build({ ...LIBRARY, outdir: 'dist' });
  const workerd = await build({
    ...LIBRARY,
    outdir: 'dist/workerd',
    plugins: [workerdPlugin('../wasm')],
  });
  for (const { metafile } of [library, workerd]) dropMapsOfInlined(metafile);
  mkdirSync('dist/wasm');
  for (const { name } of TARGETS) {
    if (name !== 'debug') copyFileSync(`build/wasm/${name}.wasm`, `dist/wasm/${name}.wasm`);
  }
  writeFileSync('dist/worker.js', await workerSource(false));
  const cli = await bundleCli();
  writeFileSync(
    'dist/THIRD_PARTY_LICENSES.txt',
    [...new Set([library.metafile, workerd.metafile, cli].flatMap(bundledPackages))]
      .map(licenceText)
      .join(`\n${'-'.repeat(80)}\n\n`),
  );
  const tsc = fileURLToPath(new URL('bin/tsc', import.meta.resolve('typescript/package.json')));
  execFileSync(
    process.execPath,
    [
      tsc,
      '-p',
      'tsconfig.json',
      '--noEmit',
      'false',
      '--emitDeclarationOnly',
      '--rootDir',
      'src',
      '--outDir',
      'dist/types',
    ],
    { stdio: 'inherit' },
  );
  dropUnreachableTypes();
}

/** Scripts that hold nothing but an inlined module have no lines to map. */
function dropMapsOfInlined({ outputs }: Metafile): void {
  for (const [path, { inputs }] of Object.entries(outputs)) {
    const sources = Object.keys(inputs);
    if (sources.length === 0 || !sources.every((source) => /^src\/\w+\/inlined\//.test(source))) continue;
    rmSync(`${path}.map`);
    writeFileSync(path, readFileSync(path, 'utf8').replace(/\/\/# sourceMappingURL=.*\n/, ''));
  }
}

/** Declarations are written for every source; users need those that the entry points lead to. */
function dropUnreachableTypes(): void {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    exports: Readonly<Record<string, string | { readonly types: string }>>;
  };
  const entries = Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [] : [entry.types]));
  const needed = reachableFrom(entries);
  for (const path of globSync('dist/types/**/*.d.ts')) if (!needed.has(path)) rmSync(path);
}
