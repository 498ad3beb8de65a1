/** Serves pages that run the built package as it is, under a policy of their own: no bundler, nothing of Vite's. */

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import type { Plugin } from 'vitest/config';

type Headers = Readonly<Record<string, string>>;

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What lies at a path below /probe/, or null. */
async function contentOf(path: string): Promise<{ type: string; content: string } | null> {
  if (path === 'page.html') {
    return { type: 'text/html', content: '<!doctype html><script type="module" src="/probe/page.js"></script>' };
  }
  if (path === 'page.js') {
    const source = await readFile(`${root}test/browsers/probe_page.ts`, 'utf8');
    return { type: 'text/javascript', content: (await transform(source, { loader: 'ts', format: 'esm' })).code };
  }
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
