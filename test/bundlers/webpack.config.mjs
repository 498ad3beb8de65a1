import { fileURLToPath } from 'node:url';

export default {
  mode: 'production',
  entry: fileURLToPath(new URL('page/start.js', import.meta.url)),
  output: { path: process.env.OUT_DIR, filename: 'start.js', publicPath: 'auto' },
};
