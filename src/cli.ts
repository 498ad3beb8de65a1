import { readFileSync } from 'node:fs';
import { main } from './cli/main.ts';

// The package lies one folder up from here and from the bundle in dist alike.
const inPackage = (file: string): URL => new URL(`../${file}`, import.meta.url);
const { version } = JSON.parse(readFileSync(inPackage('package.json'), 'utf8')) as { version: string };

process.exitCode = await main(process.argv.slice(2), { version, layersFile: inPackage('bench/layers.json') });
