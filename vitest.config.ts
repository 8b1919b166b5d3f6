import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Native code runs here: a process per file isolates a crash and the environment variables that choose a variant.
    pool: 'forks',
    testTimeout: 60_000,
  },
});
