/** Serves pages that run the built package as it is, under a policy of their own: no bundler, nothing of Vite's. */

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Plugin as BundlePlugin } from 'esbuild';
import { build } from 'esbuild';
import type { Plugin } from 'vitest/config';

type Headers = Readonly<Record<string, string>>;

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Pages and worklets load the built package as it is. */
const builtPackage: BundlePlugin = {
  name: 'built-package',
  setup(bundle) {
    bundle.onResolve({ filter: /\/src\/index\.ts$/ }, () => ({ path: '/probe/dist/index.js', external: true }));
  },
};

/** The script of a page or worklet, in this folder. */
async function scriptOf(name: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`${root}test/browsers/${name}.ts`],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    plugins: [builtPackage],
    write: false,
  });
  return outputFiles[0].text;
}

/** What lies at a path below /probe/, or null. */
async function contentOf(path: string): Promise<{ type: string; content: string } | null> {
  if (path === 'page.html') {
    return { type: 'text/html', content: '<!doctype html><script type="module" src="/probe/probe_page.js"></script>' };
  }
  const script = /^(probe_page|audio_worklet)\.js$/.exec(path);
  if (script !== null) return { type: 'text/javascript', content: await scriptOf(script[1]) };
  if (/^dist\/[\w/-]+\.js$/.test(path)) {
    return { type: 'text/javascript', content: await readFile(root + path, 'utf8') };
  }
  return null;
}

/**
 * `/probe/page.html?policy=…` under that Content-Security-Policy, and what it loads, from dist/.
 * @param headers of all that is served
 */
export function probePages(headers: Headers): Plugin {
  return {
    name: 'probe-pages',
    configureServer(server) {
      server.middlewares.use('/probe/', (request, response, next) => {
        const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost/');
        const policy = searchParams.get('policy');
        contentOf(pathname.slice(1))
          .then((found) => {
            if (found === null) {
              response.statusCode = 404;
              response.end();
              return;
            }
            response.setHeader('Content-Type', found.type);
            response.setHeader('Cache-Control', 'no-store');
            for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
            if (policy) response.setHeader('Content-Security-Policy', policy);
            response.end(found.content);
          })
          .catch(next);
      });
    },
  };
}
