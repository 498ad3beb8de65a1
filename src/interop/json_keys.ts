/** What `JSON.parse` does not tell. */

/** Strings, and what structures a text of JSON: numbers and words stand between them. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g;

/**
 * A key that an object has twice, of which `JSON.parse` keeps the last; null where there is none.
 * @param text valid JSON
 */
export function findDuplicateKey(text: string): string | null {
  const open: Set<string>[] = [];
  let last = '';
  for (const [token] of text.matchAll(TOKENS)) {
    if (token === '{' || token === '[') open.push(new Set());
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') {
      const keys = open.at(-1)!;
      const key = JSON.parse(last) as string;
      if (keys.has(key)) return key;
      keys.add(key);
    } else last = token;
  }
  return null;
}
