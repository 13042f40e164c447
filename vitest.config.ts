// The tests that run on a laptop: npm test.
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/longest-first.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Each has a command of its own: test:real needs root and a real portal, test:consumers its time, test:page a browser,
    // test:package a Debian in a folder, test:nats three nodes, test:brokers real links and limits.
    exclude: [
      'test/real/**',
      'test/consumers/**',
      'test/chromium/**',
      'test/package/**',
      'test/nats/**',
      'test/brokers/**',
    ],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // The black-box cases mostly wait: more of them than cores run beside each other.
    maxWorkers: 4,
    // Each worker loads the modules once, not once a file: the tests keep their own worlds, and no module is mocked.
    isolate: false,
    sequence: { sequencer: LongestFirst },
  },
})
