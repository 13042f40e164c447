// The fleet on a NATS cluster of three nodes: npm run test:nats.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/nats/**/*.test.ts'],
    // Three nodes, their doors and what is killed between them are enough for a machine.
    fileParallelism: false,
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The figures that the cases state are shown, also of those that pass.
    reporters: ['verbose'],
  },
})
