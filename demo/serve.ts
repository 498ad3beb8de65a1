/**
 * `npm run demo`: builds the demo page and serves it with the headers that let its threads share memory.
 *
 *   npm run demo [-- --port 8080] [-- --not-isolated]
 *
 * --not-isolated: without the headers, to see the page on one thread.
 */

import { parseArgs } from 'node:util';
import { installPackages } from '../scripts/install.ts';
import { files, serve } from '../test/browsers/site.ts';
import { buildDemo } from './build.ts';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '8080' }, 'not-isolated': { type: 'boolean', default: false } },
});
const port = Number(values.port);
if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error(`--port: ${values.port} is not a port`);

installPackages('demo');
const { url } = await serve(files(await buildDemo()), !values['not-isolated'], port);
console.log(`${url}  (Ctrl+C ends)`);
