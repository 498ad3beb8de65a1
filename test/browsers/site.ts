/** Serves a site, isolated or not, remembers what was asked for, and takes the report of the page. */

import { existsSync, readFileSync, statSync } from 'node:fs';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, relative } from 'node:path';

export type Handler = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.png': 'image/png',
  '.map': 'application/json',
};

/**
 * The files of a folder.
 * @param instead contents for paths that are not taken from there
 */
export function files(folder: string, instead: Readonly<Record<string, string>> = {}): Handler {
  return (request, response, next) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const path = join(folder, pathname === '/' ? 'index.html' : decodeURIComponent(pathname));
    const outside = relative(folder, path).startsWith('..'); // by %2F, which is no slash to URL
    if (instead[pathname] === undefined && (outside || !(existsSync(path) && statSync(path).isFile()))) {
      next();
      return;
    }
    response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream');
    response.end(instead[pathname] ?? readFileSync(path));
  };
}

export interface Served {
  readonly url: string;
  /** Paths that were asked for and found, in this order. */
  readonly found: readonly string[];
  /** Paths that were not found. */
  readonly missing: readonly string[];
  /** Resolves with what the page has posted to `/report`. */
  readonly report: Promise<string>;
  close(): Promise<void>;
}

/** What a page has to be served with so that threads can share memory. */
const ISOLATION = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

/** @param port 0: one that is free */
export async function serve(handler: Handler, isolated = true, port = 0): Promise<Served> {
  const [found, missing] = [new Set<string>(), new Set<string>()];
  let receive: (body: string) => void = () => undefined;
  const report = new Promise<string>((resolve) => {
    receive = resolve;
  });
  const listener: RequestListener = (request, response) => {
    for (const [name, value] of Object.entries(isolated ? ISOLATION : {})) response.setHeader(name, value);
    response.setHeader('Cache-Control', 'no-store');
    const url = request.url ?? '/';
    if (url === '/report') {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        response.end();
        receive(Buffer.concat(parts).toString());
      });
      return;
    }
    response.on('finish', () => (response.statusCode < 400 ? found : missing).add(url));
    handler(request, response, () => {
      response.statusCode = 404;
      response.end();
    });
  };
  const server = createServer(listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}/`,
    get found() {
      return [...found];
    },
    get missing() {
      return [...missing];
    },
    report,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
