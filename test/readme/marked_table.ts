/** Tables in markdown that scripts make, each between two marks of a text. */

/** A line per row, not aligned: a row that changes changes no other line. @param rows the first is the head */
export function plainTable([head, ...rows]: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |\n`).join('');
}

/** `text` with `table` between its marks. @throws where it has none */
export function withTable(text: string, beginMark: string, endMark: string, table: string): string {
  const [begin, end] = [text.indexOf(beginMark), text.indexOf(endMark)];
  if (begin < 0 || end < begin) throw new Error('the marks of the table are not there');
  return text.slice(0, begin + beginMark.length) + table + text.slice(end);
}
