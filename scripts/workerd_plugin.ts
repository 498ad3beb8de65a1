/** What differs in a bundle for Cloudflare Workers. */

import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';

/**
 * `x.workerd.ts` takes the place of `x.ts` beside it, and imports of `.wasm` stay imports: the platform compiles them.
 * @param wasmFolder where they lie, as the bundle names it
 */
export function workerdPlugin(wasmFolder: string): Plugin {
  return {
    name: 'workerd',
    setup(build) {
      build.onResolve({ filter: /^\..*\.ts$/ }, ({ path, resolveDir }) => {
        const twin = join(resolveDir, path.replace(/\.ts$/, '.workerd.ts'));
        return existsSync(twin) ? { path: twin } : undefined;
      });
      build.onResolve({ filter: /\.wasm$/ }, ({ path, importer }) =>
        dirname(path) === '.' && importer.endsWith('.workerd.ts')
          ? { path: `${wasmFolder}/${basename(path)}`, external: true }
          : undefined,
      );
    },
  };
}
