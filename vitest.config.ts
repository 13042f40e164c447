// The tests that run on a laptop: npm test.
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/longest-first.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Each has a command of its own: test:real needs root and a real portal, test:consumers its time, test:page a browser,
    // test:package a Debian in a folder, test:nats three nodes, test:brokers real links and limits, crash real deaths.
    exclude: [
      ...['real', 'consumers', 'chromium', 'package', 'nats', 'brokers'].map((room) => `test/${room}/**`),
      'test/crash/killed-at-random.test.ts',
      'test/crash/disk-trouble.test.ts',
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
