// The agent against a real openNDS: npm run test:real.
import { defineConfig } from 'vitest/config'

// The agent against a real openNDS: one lab a machine, so one file at a time.
export default defineConfig({
  test: {
    include: ['test/real/**/*.test.ts'],
    globalSetup: 'test/real/take-away.ts',
    fileParallelism: false,
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Real programs on a shared machine: what fails twice is wrong.
    retry: 1,
    // The figures that the cases state are shown, also of those that pass.
    reporters: ['verbose'],
  },
})
