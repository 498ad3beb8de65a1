import { readFileSync } from 'node:fs';
import { main } from './cli/main.ts';

// The package lies one folder up from here and from the bundle in dist alike.
const inPackage = (file: string): URL => new URL(`../${file}`, import.meta.url);
const { version } = JSON.parse(readFileSync(inPackage('package.json'), 'utf8')) as { version: string };

// A reader that has left (`upconv info | head -1`) is no fault: what is still to be done is done.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

process.exitCode = await main(process.argv.slice(2), { version, layersFile: inPackage('bench/layers.json') });
