import { expect, test, vi } from 'vitest';
import readme from '../../README.md?raw';
import source from './example.ts?raw';

test('the example of README is the one that is tested, and short', () => {
  const [, code] = /<!-- example: readme -->\n```js\n([\s\S]*?)```/.exec(readme) ?? [];
  expect(code.replace("'upconv'", "'../../src/index.ts'")).toBe(source.slice(source.indexOf('import')));
  expect(code.trim().split('\n').length).toBeLessThanOrEqual(13);
});

test('it runs and prints what README says', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  await import('./example.ts');
  expect(log.mock.calls).toEqual([[[1, 32, 64, 64]], [[1, 64, 32, 32], [64, 32, 4, 4], [32]]]);
  log.mockRestore();
});
