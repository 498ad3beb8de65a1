/** The table of micro-kernels by version of Node. */

import { markdownTable } from '../../src/cli/benchmark/table.ts';
import { percent } from '../report/format.ts';
import type { Machine } from '../results.ts';
import type { VersionResult } from './probe.ts';

export interface VersionsReport {
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly results: readonly VersionResult[];
}

/** A kernel that spills runs at about half of the peak; one that does not, above this share in a product of matrices. */
const LEAST_SHARE = 0.7;

export function versionsMarkdown({ date, commit, machine, results }: VersionsReport): string {
  const names = [...new Set(results.flatMap(({ variants }) => variants.flatMap((v) => Object.keys(v.microkernels))))];
  const rows = results.flatMap(({ node, v8, variants }) =>
    variants.map(({ variant, chosen, peak, microkernels }) =>
      [node, v8, variant, peak.toFixed(1)].concat(
        names.map((name) => {
          const cell = `${microkernels[name].toFixed(1)} (${percent(microkernels[name] / peak)})`;
          return name === chosen ? `**${cell}**` : cell;
        }),
      ),
    ),
  );
  const slow = results.flatMap(({ node, variants }) =>
    variants
      .filter(({ chosen, peak, microkernels }) => microkernels[chosen] < LEAST_SHARE * peak)
      .map(({ variant, chosen }) => `- Node ${node}, ${variant}: ${chosen} is far below the peak; look for spills.`),
  );
  return [
    '# Micro-kernels by version of Node',
    '',
    `${machine.cpu}, ${machine.system}; ${date}, ${commit}. One thread, float32, GFLOP/s (share of the peak of the same`,
    'instructions in registers) in a product of matrices that stays in cache, packing included; best calls. Bold: what the package chooses.',
    '',
    markdownTable(['Node', 'V8', 'variant', 'peak', ...names], rows),
    '',
    ...(slow.length === 0 ? ['No version spills.'] : slow),
    '',
  ].join('\n');
}
