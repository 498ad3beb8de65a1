/** A document as blocks, and what they look like in markdown and in HTML. */

import { markdownTable } from '../../src/cli/benchmark/table.ts';
import type { Chart } from './chart.ts';

export type Block =
  | { readonly kind: 'heading'; readonly level: 1 | 2 | 3; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'table'; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: 'chart'; readonly chart: Chart };

/** Texts may hold **bold** and `code`. */
export const heading = (level: 1 | 2 | 3, text: string): Block => ({ kind: 'heading', level, text });
export const text = (...sentences: readonly string[]): Block => ({ kind: 'text', text: sentences.join(' ') });
export const list = (items: readonly string[]): Block => ({ kind: 'list', items });
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): Block => ({
  kind: 'table',
  head,
  rows,
});

/** @param chartFile where the picture of a chart will lie, seen from the document */
export function toMarkdown(blocks: readonly Block[], chartFile: (chart: Chart) => string): string {
  return `${blocks.map((block) => markdownOf(block, chartFile)).join('\n\n')}\n`;
}

function markdownOf(block: Block, chartFile: (chart: Chart) => string): string {
  switch (block.kind) {
    case 'heading':
      return `${'#'.repeat(block.level)} ${block.text}`;
    case 'text':
      return block.text;
    case 'list':
      return block.items.map((item) => `- ${item}`).join('\n');
    case 'table':
      return markdownTable(block.head, block.rows);
    case 'chart':
      return `![${block.chart.title}](${chartFile(block.chart)})`;
  }
}

const STYLE = `
  body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: #222 }
  table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; font-size: 13px }
  th, td { padding: 0.2rem 0.6rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap }
  th:first-child, td:first-child { text-align: left }
  th { position: sticky; top: 0; background: #fff }
  strong { color: #a40000 } svg { max-width: 100%; height: auto }`;

/**
 * One self-contained page. Bold means: look here.
 * @param svgOf the picture of a chart
 */
export function toHtml(title: string, blocks: readonly Block[], svgOf: (chart: Chart) => string): string {
  return [
    '<!doctype html>',
    '<html lang="en">',
    `<head><meta charset="utf-8"><title>${escape(title)}</title><style>${STYLE}</style></head>`,
    '<body>',
    ...blocks.map((block) => htmlOf(block, svgOf)),
    '</body></html>',
    '',
  ].join('\n');
}

function htmlOf(block: Block, svgOf: (chart: Chart) => string): string {
  switch (block.kind) {
    case 'heading':
      return `<h${block.level}>${inline(block.text)}</h${block.level}>`;
    case 'text':
      return `<p>${inline(block.text)}</p>`;
    case 'list':
      return `<ul>${block.items.map((item) => `<li>${inline(item)}</li>`).join('')}</ul>`;
    case 'table': {
      const cells = (tag: string, row: readonly string[]): string =>
        `<tr>${row.map((cell) => `<${tag}>${inline(cell)}</${tag}>`).join('')}</tr>`;
      const body = block.rows.map((row) => cells('td', row)).join('\n');
      return `<table><thead>${cells('th', block.head)}</thead><tbody>\n${body}\n</tbody></table>`;
    }
    case 'chart':
      return `<figure aria-label="${escape(block.chart.title)}">${svgOf(block.chart)}</figure>`;
  }
}

function inline(text: string): string {
  return escape(text)
    .replaceAll(/\*\*(.+?)\*\*/g, '<strong>$1</strong>')
    .replaceAll(/`(.+?)`/g, '<code>$1</code>');
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
