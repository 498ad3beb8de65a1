/** Bundles the page into build/demo, as an application that has installed the package would. */

import { copyFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = `${root}build/demo`;
const PACKAGES = `${root}demo/node_modules`;

/** The page runs the built package, not a second build of its sources. */
const builtPackage: Plugin = {
  name: 'built-package',
  setup(bundle) {
    bundle.onResolve({ filter: /\/src\/index\.ts$|^\.\.\/\.\.\/index\.ts$/ }, () => ({ path: `${root}dist/index.js` }));
  },
};

/**
 * @param others more modules of pages beside it, by their names there
 * @returns the folder that holds the page
 */
export async function buildDemo(others: Readonly<Record<string, string>> = {}): Promise<string> {
  rmSync(FOLDER, { recursive: true, force: true });
  await build({
    entryPoints: { main: `${root}demo/page/main.ts`, speed: `${root}demo/page/speed/worker.ts`, ...others },
    outdir: FOLDER,
    bundle: true,
    splitting: true, // a browser loads one of the wasm variants
    minify: true,
    sourcemap: true,
    format: 'esm',
    target: 'es2022',
    external: ['node:*'],
    nodePaths: [PACKAGES], // what bench/peers import, too
    plugins: [builtPackage],
    logOverride: { 'ignored-bare-import': 'silent' }, // which esbuild does by itself for packages in node_modules
    logLevel: 'warning',
  });
  await build({
    entryPoints: { main: `${root}demo/style.css` },
    outdir: FOLDER,
    bundle: true,
    minify: true,
    logLevel: 'warning',
  });
  copyFileSync(`${root}demo/index.html`, `${FOLDER}/index.html`);
  copyFileSync(`${root}assets/picture.png`, `${FOLDER}/picture.png`);
  const onnxruntime = 'ort-wasm-simd-threaded.wasm';
  copyFileSync(`${PACKAGES}/onnxruntime-web/dist/${onnxruntime}`, `${FOLDER}/${onnxruntime}`);
  return FOLDER;
}
