import { nodeResolve } from '@rollup/plugin-node-resolve';
import { fileURLToPath } from 'node:url';

export default {
  input: fileURLToPath(new URL('page/start.js', import.meta.url)),
  output: { dir: process.env.OUT_DIR },
  plugins: [nodeResolve()],
};
