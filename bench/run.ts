/** `npm run bench`: times layers, convolutions, decoders, training and first calls beside other libraries. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compareAlgorithms } from './algorithms.ts';
import { compareWith } from './compare.ts';
import { fullRun } from './full_run.ts';
import type { BenchOptions } from './options.ts';
import { isComplete, parseOptions, USAGE } from './options.ts';
import type { Chart } from './report/chart.ts';
import { toHtml, toMarkdown } from './report/document.ts';
import { complaintsOf, reportBlocks, TITLE } from './report/report.ts';
import type { Report } from './results.ts';
import { UsageError } from './usage_error.ts';

const REPORTS = fileURLToPath(new URL('reports/', import.meta.url));

/** Whether nothing is wrong with what was found. */
async function run(options: BenchOptions): Promise<boolean> {
  if (options.algorithms) return compareAlgorithms(options);
  if (options.compare !== undefined) {
    const found = await compareWith(options.compare, options);
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(found, null, 1)}\n`);
    return true;
  }
  const report = await fullRun(options);
  const markdown = toMarkdown(reportBlocks(report), chartFile);
  if (options.json !== undefined) writeFileSync(options.json, jsonOf(report));
  const folder = options.output ?? (isComplete(options) ? REPORTS : undefined);
  if (folder !== undefined) await writeReports(folder, report, markdown);
  console.log(markdown);
  return complaintsOf(report).length === 0;
}

async function writeReports(folder: string, report: Report, markdown: string): Promise<void> {
  const { renderChart } = await import('./report/render_chart.ts');
  const blocks = reportBlocks(report);
  mkdirSync(folder, { recursive: true });
  const write = (name: string, content: string): void => writeFileSync(join(folder, name), content);
  write('latest.md', markdown);
  write('latest.json', jsonOf(report));
  write('latest.html', toHtml(TITLE, blocks, renderChart));
  for (const block of blocks) if (block.kind === 'chart') write(chartFile(block.chart), renderChart(block.chart));
}

function chartFile({ name }: Chart): string {
  return `latest-${name}.svg`;
}

/** Turns to four digits and on one line. */
function jsonOf(report: Report): string {
  const short = (key: string, value: unknown): unknown =>
    key === 'turnMs' ? (value as number[]).map((ms) => Number(ms.toPrecision(4))) : value;
  return `${JSON.stringify(report, short, 1).replaceAll(/\[[\d.,\s]*\]/g, (list) => list.replaceAll(/\s/g, ''))}\n`;
}

async function main(): Promise<void> {
  try {
    const options = parseOptions(process.argv.slice(2));
    if (options === null) console.log(USAGE);
    else if (!(await run(options))) process.exitCode = 1;
  } catch (error) {
    // Other errors are faults, to be seen in full.
    if (!(error instanceof UsageError) && !(error instanceof TypeError && 'code' in error)) throw error;
    console.error(`${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
  }
}

await main();
