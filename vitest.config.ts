import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.long.test.ts'],
          testTimeout: 60_000,
        },
      },
      { test: { name: 'long', include: ['test/**/*.long.test.ts'], testTimeout: 600_000 } },
    ],
  },
});
