import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('..', import.meta.url)); // node_modules and the page lie there

export default {
  output: 'export',
  turbopack: { root: folder },
  outputFileTracingRoot: folder,
};
