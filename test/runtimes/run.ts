/**
 * Runs the packed package in versions of Node, Deno and Bun, which it installs.
 *
 *   node test/runtimes/run.ts [option of Vitest …]
 */

import { installPackages } from '../../scripts/install.ts';
import { runProjects } from '../../scripts/run_project.ts';

installPackages('test/runtimes');
if (!(await runProjects(['runtimes'], process.argv.slice(2)))) process.exitCode = 1;
