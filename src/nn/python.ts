/** Values as Python prints them. */

/** Python's `repr` of a number. */
export function pythonNumber(value: number): string {
  if (value === Infinity) return 'inf';
  if (value === -Infinity) return '-inf';
  if (Number.isNaN(value)) return 'nan';
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-4 && magnitude < 1e16) return String(value);
  if (Number.isInteger(value) && magnitude < 2 ** 53) return String(value);
  // as in 1e-05: JavaScript's exponents have no leading zero
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

/** `True` or `False` */
export function pythonBoolean(value: boolean): string {
  return value ? 'True' : 'False';
}

/** `(3,)`, `(3, 5)`, nested tuples too. */
export function pythonTuple(values: readonly (number | readonly number[])[]): string {
  const parts = values.map((value) => (typeof value === 'number' ? pythonNumber(value) : pythonTuple(value)));
  return parts.length === 1 ? `(${parts[0]},)` : `(${parts.join(', ')})`;
}

/** `['a', "it's"]` */
export function pythonStrings(values: readonly string[]): string {
  const quoted = values.map((value) => {
    const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
    return quote + value.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`) + quote;
  });
  return `[${quoted.join(', ')}]`;
}
