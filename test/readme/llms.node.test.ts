/** llms.txt: its example runs, and what it links to is there. */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = readFileSync(`${root}llms.txt`, 'utf8');

test('the example runs', async () => {
  const [, code] = /```js\n([^]*?)```/.exec(text) as RegExpExecArray;
  const library = new URL('../../dist/index.js', import.meta.url).href;
  const script = code.replace("'upconv'", JSON.stringify(library));
  expect(script).not.toBe(code);
  await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(script)}`);
});

test('links lead to files', () => {
  const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, path]) => path);
  expect(links.length).toBeGreaterThan(5);
  expect(links.filter((path) => !existsSync(root + path))).toEqual([]);
});
