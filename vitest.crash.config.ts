// Deaths, damage and disks that refuse, each in full: the second half of npm run crash.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/crash/**/*.test.ts', 'test/simulation/killed.test.ts', 'test/simulation/stories.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 3,
    isolate: false,
    // Enumerations of which npm test takes a share.
    env: { CRASH_WHOLE: '1' },
  },
})
