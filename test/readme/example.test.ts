import { expect, test } from 'vitest';
import readme from '../../README.md?raw';

/** The code block behind the marker, with the package name turned into the source's entry point. */
function example(): string {
  const [, code] = /<!-- example: readme -->\n```js\n([\s\S]*?)```/.exec(readme) ?? [];
  return code;
}

test('the example of README runs and prints what it says', async () => {
  const code = example();
  expect(code.trim().split('\n').length).toBeLessThanOrEqual(13);
  const printed: unknown[][] = [];
  const upconv = await import('../../src/index.ts');
  const body = code
    .replace(/import \{([^}]*)\} from 'upconv';/, 'const {$1} = upconv;')
    .replaceAll('console.log', 'print');
  const run = new Function('upconv', 'print', `return (async () => {${body}})()`) as (
    library: unknown,
    print: (...values: unknown[]) => void,
  ) => Promise<void>;
  await run(upconv, (...values) => printed.push(values));
  expect(printed).toEqual([[[1, 32, 64, 64]], [[1, 64, 32, 32], [64, 32, 4, 4], [32]]]);
});
