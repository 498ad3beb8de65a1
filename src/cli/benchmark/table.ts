/** Tables in markdown whose columns also line up in a terminal. */

/** @param rows one cell per column of `head`; the first column is text, the others are numbers */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) => Math.max(3, ...[name, ...rows.map((row) => row[column])].map(widthOf)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => pad(cell, widths[column], column === 0)).join(' | ')} |`;
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

/** Characters, each taken to be one column wide: names and numbers are. */
function widthOf(text: string): number {
  return Array.from(text).length;
}

function pad(text: string, width: number, left: boolean): string {
  const space = ' '.repeat(width - widthOf(text));
  return left ? text + space : space + text;
}
