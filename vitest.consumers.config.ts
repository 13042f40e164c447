// What a backend's developer and an operator go through: npm run test:consumers.
import { defineConfig } from 'vitest/config'

// What a backend's developer and an operator go through: the package, the page, kills, the contract kit. npm run test:consumers.
export default defineConfig({
  test: { include: ['test/consumers/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 30_000, maxWorkers: 2 },
})
