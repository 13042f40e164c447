// The tests at brokers with rights, limits, certificates and slow links: npm run test:brokers.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Real links and real limits take their time, so these stand beside npm test.
  test: {
    include: ['test/brokers/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 3,
    isolate: false,
  },
})
