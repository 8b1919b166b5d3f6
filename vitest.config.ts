import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Native code runs here: a process per file isolates a crash and the environment variables that choose a variant.
    pool: 'forks',
    // Vitest leaves one core to itself; of two that would be half of them.
    maxWorkers: '100%',
    testTimeout: 60_000,
  },
});
