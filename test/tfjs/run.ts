/**
 * Runs the tests of `upconv/tfjs` with TensorFlow.js itself, which it installs, and the example that uses it.
 *
 *   node test/tfjs/run.ts [option of Vitest …]
 */

import { installPackages } from '../../scripts/install.ts';
import { runProjects } from '../../scripts/run_project.ts';

installPackages('test/tfjs');
installPackages('examples/tfjs-autoencoder');
if (!(await runProjects(['tfjs'], process.argv.slice(2)))) process.exitCode = 1;
