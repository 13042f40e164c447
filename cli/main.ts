// The program `tollgate-fleet`.
import { once } from 'node:events'
import { join } from 'node:path'
import { run } from './program.ts'

const { stdout, stderr, env } = process
const end = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => (end.signal.aborted ? process.exit(130) : end.abort()))
}
// The reader has gone, as `| head` does.
stdout.on('error', () => process.exit(0))

process.exitCode = await run(process.argv.slice(2), {
  output: {
    out: (text) => stdout.write(text),
    drained: () => once(stdout, 'drain'),
    err: (text) => stderr.write(text),
    isColoured: stdout.isTTY === true && !env.NO_COLOR,
    width: stdout.isTTY ? stdout.columns : Number.POSITIVE_INFINITY,
  },
  env,
  end: end.signal,
  pageFolder: join(import.meta.dirname, 'page'),
})
