/**
 * The documentation site: guides of docs/guides and a reference of every export, from the comments of the sources.
 *
 *   npm run docs   writes build/site, and fails where a link leads nowhere
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { installPackages } from './install.ts';

const docs = fileURLToPath(new URL('../docs', import.meta.url));

installPackages('docs');
const program = `${docs}/node_modules/typedoc/bin/typedoc`;
const { status } = spawnSync(process.execPath, [program, '--options', `${docs}/typedoc.json`], { stdio: 'inherit' });
if (status !== 0) process.exitCode = 1;
