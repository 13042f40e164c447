// The tests that run on a laptop: npm test.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // They need root and a real portal (npm run test:real), their time (npm run test:consumers), a browser (npm run test:page).
    exclude: ['test/real/**', 'test/consumers/**', 'test/chromium/**'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // The black-box cases mostly wait: more of them than cores run beside each other.
    maxWorkers: 3,
    // Each worker loads the modules once, not once a file: the tests keep their own worlds, and no module is mocked.
    isolate: false,
  },
})
