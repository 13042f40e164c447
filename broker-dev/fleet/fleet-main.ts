// `npm start`: the simulated fleet in the terminal.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { runFleet } from './fleet.ts'
import { fleetHelp, parseFleetArguments } from './fleet-arguments.ts'
import { createScreen } from './screen.ts'

const asked = parseFleetArguments(process.argv.slice(2))
if ('help' in asked) {
  process.stdout.write(fleetHelp)
  process.exit(0)
}
if ('problem' in asked) {
  process.stderr.write(`${asked.problem}\nnpm start -- --help tells more\n`)
  process.exit(2)
}

const end = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // A second Ctrl-C does not wait for the books.
    if (end.signal.aborted) process.exit(130)
    end.abort()
    process.stdout.write('\nstopping: orders on their way, then the agents; once more to leave at once\n')
  })
}

// The reader of the output has gone, as `| head` does: nobody is left to show the fleet to.
process.stdout.on('error', () => end.abort())

const { options } = asked
const program = (name: string) => join(import.meta.dirname, name)
const stateDir = options.state === undefined ? mkdtempSync(join(tmpdir(), 'tollgate-fleet-')) : resolve(options.state)
try {
  const ok = await runFleet(options, {
    screen: createScreen(process.stdout),
    print: (text) => console.log(text),
    end: end.signal,
    stateDir,
    pageFolder: program('page'),
    programs: { agent: program('agent.js'), ndsctl: program('ndsctl.js'), machine: program('agent-machine.js') },
  })
  // The journals of a run that went well tell nobody anything; those of another one do.
  if (ok && options.state === undefined) rmSync(stateDir, { recursive: true, force: true })
  process.exit(ok ? 0 : 1)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
