import { readFileSync } from 'node:fs';
import { main } from './cli/main.ts';

// package.json lies one folder up from here and from the bundle in dist alike.
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

process.exitCode = await main(process.argv.slice(2), version);
