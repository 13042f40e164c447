// The Debian package, made and installed: npm run test:package.
import { defineConfig } from 'vitest/config'

// The story of a machine goes on from test to test. Programs that compress, check and unpack a hundred megabytes take their time.
export default defineConfig({
  test: {
    include: ['test/package/**/*.test.ts'],
    fileParallelism: false,
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 600_000,
    bail: 1,
    reporters: ['verbose'],
  },
})
