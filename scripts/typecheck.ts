/** Type-checks everything that TypeScript can check: assembly/ too, which its own compiler checks in the build. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const tsc = fileURLToPath(new URL('bin/tsc', import.meta.resolve('typescript/package.json')));
const projects = ['.', 'test', 'scripts', 'examples', 'assembly'];
const WITH_PACKAGES = [
  'bench',
  'demo',
  'examples/cloudflare-worker',
  'examples/tfjs-autoencoder',
  'release',
  'test/runtimes',
  'test/tfjs',
  'test/workers',
];
for (const folder of WITH_PACKAGES) {
  if (existsSync(`${folder}/node_modules`)) projects.push(folder);
  else console.log(`${folder}/ is not checked, its types are not installed: npm ci --prefix ${folder}`);
}

const failed = projects.filter((project) => {
  const { status } = spawnSync(process.execPath, [tsc, '-p', project, '--noEmit'], { stdio: 'inherit' });
  return status !== 0;
});
if (failed.length > 0) process.exitCode = 1;
