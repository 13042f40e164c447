// The tests of a backend developer's and an operator's way: npm run test:consumers.
import { defineConfig } from 'vitest/config'

// The package, the page, kills, the contract kit: with real processes, which take their time.
export default defineConfig({
  test: { include: ['test/consumers/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 30_000, maxWorkers: 2 },
})
