/** The examples of the documentation: ```js blocks of guides, and those behind `@example` in comments of the sources. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root: string = fileURLToPath(new URL('../..', import.meta.url));

export interface CodeBlock {
  /** File, and number of the block in it. */
  readonly name: string;
  readonly code: string;
  /** What the comments behind `console.log` say that it prints, line by line. */
  readonly prints: readonly string[];
}

/** Stands before a block that needs another runtime than Node; the test of that one takes it from the same file. */
const ELSEWHERE = '<!-- runs in Cloudflare Workers -->\n';
const BLOCK = /(<!-- runs in [^\n]*-->\n)?```js\n([^]*?)```/g;
const PRINTED = /console\.log\(.*; \/\/ (.*)$/gm;

function filesOf(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => join(folder, path))
    .sort();
}

function blocksOf(file: string, text: string): (CodeBlock & { readonly elsewhere: boolean })[] {
  return [...text.matchAll(BLOCK)].map(([, marker, code], i) => ({
    name: `${file}, block ${i + 1}`,
    code,
    prints: [...code.matchAll(PRINTED)].map(([, line]) => line),
    elsewhere: marker === ELSEWHERE,
  }));
}

/** Of the pages of the site. */
export function guideBlocks(): CodeBlock[] {
  const files = ['docs/README.md', ...filesOf('docs/guides', '.md')];
  return files.flatMap((file) => blocksOf(file, readFileSync(join(root, file), 'utf8'))).filter((b) => !b.elsewhere);
}

/** Of a file, those that run in Workers. */
export function workerBlocks(file: string): CodeBlock[] {
  return blocksOf(file, readFileSync(join(root, file), 'utf8')).filter(({ elsewhere }) => elsewhere);
}

/** Examples in comments of the sources. */
export function sourceBlocks(): CodeBlock[] {
  return filesOf('src', '.ts').flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    if (!text.includes('@example')) return [];
    return blocksOf(file, text.replace(/^ *\* ?/gm, ''));
  });
}
