/** How each bundler makes a site of the page, with nothing configured for this package. */

import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Handler } from '../browsers/site.ts';
import type { RuntimeName } from '../runtimes/rows.ts';
import { files } from '../browsers/site.ts';

/** With node_modules, where the package lies as npm would install it. */
export const FOLDER: string = fileURLToPath(new URL('.', import.meta.url));

export interface Site {
  readonly handler: Handler;
  close?(): Promise<void>;
}

export interface Bundler {
  readonly name: RuntimeName;
  readonly title: string;
  /** The package that says the version, or null. */
  readonly package: string | null;
  /** It makes one site of the page and all it needs, without what is not used. */
  readonly shakes: boolean;
  /** @param out an empty folder for it */
  build(out: string): Site | Promise<Site>;
}

function runBinary(name: string, args: readonly string[], out: string, cwd: string = FOLDER): void {
  const path = join(FOLDER, 'node_modules/.bin', name);
  const env = { ...process.env, OUT_DIR: out, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' };
  execFileSync(path, args, { cwd, env, stdio: ['ignore', 2, 2] });
}

/** A bundler that knows nothing of HTML makes start.js. */
function scriptSite(out: string, build: () => void): Site {
  build();
  copyFileSync(join(FOLDER, 'page/index.html'), join(out, 'index.html'));
  return { handler: files(out) };
}

function pageSite(out: string, build: () => void): Site {
  build();
  return { handler: files(out) };
}

/** Vite as a developer runs it: every file on demand. */
async function viteDevelopment(): Promise<Site> {
  const vite = (await import(pathToFileURL(createRequire(join(FOLDER, 'x')).resolve('vite')).href)) as {
    createServer(options: object): Promise<{ middlewares: Handler; close(): Promise<void> }>;
  };
  const cacheDir = join(FOLDER, 'node_modules/.vite');
  rmSync(cacheDir, { recursive: true, force: true }); // it would serve an earlier package of the same version
  const server = await vite.createServer({
    root: join(FOLDER, 'page'),
    cacheDir,
    logLevel: 'warn',
    server: { middlewareMode: true, hmr: false, watch: null, fs: { allow: [FOLDER] } },
  });
  return { handler: server.middlewares, close: () => server.close() };
}

/** The page as it is; an import map says where the package lies. */
function unbundled(out: string): Site {
  cpSync(join(FOLDER, 'page'), out, { recursive: true });
  cpSync(join(FOLDER, 'node_modules/upconv'), join(out, 'upconv'), { recursive: true, dereference: true });
  const map = JSON.stringify({ imports: { upconv: './upconv/dist/index.js' } });
  const html = readFileSync(join(out, 'index.html'), 'utf8').replace(
    '</head>',
    `<script type="importmap">${map}</script></head>`,
  );
  return { handler: files(out, { '/': html }) };
}

/** Next.js writes into its project. */
const next =
  (flag: string): Bundler['build'] =>
  (out) =>
    pageSite(out, () => {
      const project = join(FOLDER, 'next');
      for (const made of ['.next', 'out']) rmSync(join(project, made), { recursive: true, force: true });
      runBinary('next', ['build', flag], out, project);
      cpSync(join(project, 'out'), out, { recursive: true });
    });

export const BUNDLERS: readonly Bundler[] = [
  {
    name: 'vite-build',
    title: 'Vite, build',
    package: 'vite',
    shakes: true,
    build: (out) =>
      pageSite(out, () => runBinary('vite', ['build', 'page', '--outDir', out, '--logLevel', 'warn'], out)),
  },
  { name: 'vite-development', title: 'Vite, development', package: 'vite', shakes: false, build: viteDevelopment },
  {
    name: 'webpack',
    title: 'webpack',
    package: 'webpack',
    shakes: true,
    build: (out) => scriptSite(out, () => runBinary('webpack', ['--config', 'webpack.config.mjs'], out)),
  },
  {
    name: 'esbuild',
    title: 'esbuild',
    package: 'esbuild',
    shakes: true,
    build: (out) =>
      scriptSite(out, () =>
        runBinary(
          'esbuild',
          ['page/start.js', '--bundle', '--minify', '--splitting', '--format=esm', `--outdir=${out}`],
          out,
        ),
      ),
  },
  {
    name: 'rollup',
    title: 'Rollup',
    package: 'rollup',
    shakes: true,
    build: (out) => scriptSite(out, () => runBinary('rollup', ['--config', 'rollup.config.mjs'], out)),
  },
  {
    name: 'parcel',
    title: 'Parcel',
    package: 'parcel',
    shakes: true,
    build: (out) =>
      pageSite(out, () =>
        runBinary('parcel', ['build', 'page/index.html', '--dist-dir', out, '--no-cache', '--no-source-maps'], out),
      ),
  },
  { name: 'next-turbopack', title: 'Next.js, Turbopack', package: 'next', shakes: true, build: next('--turbopack') },
  { name: 'next-webpack', title: 'Next.js, webpack', package: 'next', shakes: true, build: next('--webpack') },
  { name: 'no-bundler', title: 'no bundler', package: null, shakes: false, build: unbundled },
];
