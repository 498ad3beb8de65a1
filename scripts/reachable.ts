/** Which files the entry points of a package lead to, by the relative imports and URLs in them. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const SPECIFIERS = /(?:\bfrom|\bimport\(|\bimport|\bnew URL\()\s*["'](\.[^"']+)["']/g;

/** The file that an import names; declarations import sources, beside which declarations lie. */
function targetOf(importer: string, specifier: string): string {
  const path = join(dirname(importer), specifier);
  return importer.endsWith('.d.ts') ? path.replace(/(\.d)?\.[jt]s$/, '.d.ts') : path;
}

/** @param entries paths of scripts and declarations; other files lead nowhere */
export function reachableFrom(entries: readonly string[]): Set<string> {
  const reached = new Set<string>();
  const waiting = entries.map(normalize);
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    if (!/\.[jt]s$/.test(path)) continue;
    for (const [, specifier] of readFileSync(path, 'utf8').matchAll(SPECIFIERS)) {
      const target = targetOf(path, specifier);
      if (existsSync(target)) waiting.push(target);
    }
  }
  return reached;
}
