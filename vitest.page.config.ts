// The tests of the page in a real browser: npm run test:page.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/chromium/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
    // One browser at a time: two of them would be slow for each other's sake.
    fileParallelism: false,
    maxWorkers: 1,
  },
})
