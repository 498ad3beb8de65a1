/**
 * `npm run bench:node`: the micro-kernels on several versions of Node, each installed from npm. A version of V8 on
 * which a micro-kernel falls far below the peak spills registers.
 *
 *   npm run bench:node [-- 20 22 24 26]
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describeCommit, describeMachine, today } from './machine.ts';
import type { VersionResult } from './node_versions/probe.ts';
import { versionsMarkdown } from './node_versions/report.ts';

const VERSIONS = ['20', '22', '24', '26'];
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** The binary of a version of Node, installed if need be. */
function nodeBinary(version: string): string {
  const folder = path(`../build/node/${version}/`);
  const binary = `${folder}node_modules/node/bin/node`;
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    const args = [
      'install',
      '--prefix',
      folder,
      '--no-audit',
      '--no-fund',
      '--ignore-scripts=false',
      `node@${version}`,
    ];
    execFileSync('npm', args, { stdio: ['ignore', 2, 2] });
  }
  return binary;
}

/** Old versions do not run TypeScript. */
async function bundleProbe(): Promise<string> {
  const outfile = path('../build/node/probe.mjs');
  await build({
    entryPoints: [path('node_versions/probe.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  });
  return outfile;
}

const wanted = process.argv.slice(2);
const probe = await bundleProbe();
const results = (wanted.length === 0 ? VERSIONS : wanted).map((version) => {
  const output = execFileSync(nodeBinary(version), [probe, new URL('../dist/index.js', import.meta.url).href], {
    encoding: 'utf8',
  });
  console.error(`Node ${version} measured`);
  return JSON.parse(output) as VersionResult;
});
const report = { date: today(), commit: describeCommit(), machine: describeMachine(), results };
const markdown = versionsMarkdown(report);
if (wanted.length === 0) {
  writeFileSync(path('reports/node-versions.json'), `${JSON.stringify(report, null, 1)}\n`);
  writeFileSync(path('reports/node-versions.md'), markdown);
}
console.log(markdown);
