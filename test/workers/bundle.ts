/** Bundles as tools for Workers make them, and the modules of one as Miniflare takes them. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';
import { build } from 'esbuild';
import type { WorkerOptions } from 'miniflare';

export const root: string = fileURLToPath(new URL('../..', import.meta.url));

/** Imports of `.wasm` stay, by the names of the files alone. */
const wasmBeside: Plugin = {
  name: 'wasm-beside',
  setup(build) {
    build.onResolve({ filter: /\.wasm$/ }, ({ path }) => ({ path: path.replace(/^.*\//, './'), external: true }));
  },
};

const FROM_ROOT = Symbol('resolved from the root');

/** `upconv` is the package of this repository, by its own `exports`. */
const packageItself: Plugin = {
  name: 'package-itself',
  setup(build) {
    build.onResolve({ filter: /^upconv(\/|$)/ }, ({ path, kind, pluginData }) =>
      pluginData === FROM_ROOT ? undefined : build.resolve(path, { kind, resolveDir: root, pluginData: FROM_ROOT }),
    );
  },
};

/** With a plugin nothing is minified, and names are kept: as wrangler bundles when it is not told to. */
export const unminified: Plugin = { name: 'unminified', setup: () => undefined };

/** @param entry from the root of the repository */
export async function bundleWorker(entry: string, plugins: readonly Plugin[] = []): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'import'],
    external: ['node:*', 'cloudflare:*'],
    define: { 'import.meta.env': '{}', 'process.env.NODE_ENV': '"production"' },
    plugins: [...plugins, packageItself, wasmBeside],
    minify: plugins.length === 0,
    keepNames: plugins.length > 0, // tests look at names of classes
    write: false,
    logLevel: 'warning',
    logOverride: { 'ignored-bare-import': 'silent' }, // of chunks; in node_modules esbuild does not mention it
  });
  return outputFiles[0].text;
}

/**
 * Options of Miniflare for a bundle and the wasm that it imports.
 * @param folder of the wasm files, from the root of the repository
 */
export function workerOf(script: string, folder = 'dist/wasm'): WorkerOptions {
  const names = [...new Set([...script.matchAll(/["']\.\/([\w-]+\.wasm)["']/g)].map(([, name]) => name))];
  return {
    compatibilityDate: '2026-07-01',
    modulesRoot: '/worker/',
    modules: [
      { type: 'ESModule', path: '/worker/main.js', contents: script },
      ...names.map((name) => ({
        type: 'CompiledWasm' as const,
        path: `/worker/${name}`,
        contents: readFileSync(`${root}${folder}/${name}`),
      })),
    ],
  };
}
