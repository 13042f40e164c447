// `npm start`: the simulated fleet in the terminal.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { runFleet } from './fleet.ts'
import { fleetHelp, parseFleetArguments } from './fleet-arguments.ts'
import { createKeyboard, keysIn } from './keyboard.ts'
import { createScreen, type Screen, silentScreen } from './screen.ts'

const asked = parseFleetArguments(process.argv.slice(2))
if ('help' in asked) {
  process.stdout.write(fleetHelp)
  process.exit(0)
}
if ('problem' in asked) {
  process.stderr.write(`${asked.problem}\nnpm start -- --help tells more\n`)
  process.exit(2)
}

const { options } = asked
const { stdin, stdout, stderr, env } = process
const end = new AbortController()
const screen = options.json ? silentScreen : createScreen(stdout, stdout.isTTY === true && !env.NO_COLOR)
const keyboard = createKeyboard(stop)
const shown: Screen = { ...screen, show: (picture) => screen.show({ ...picture, ...keyboard.picture() }) }
// With --json standard output is the summary's alone.
const say = (text: string) => (options.json ? stderr : stdout).write(`${text}\n`)
const program = (name: string) => join(import.meta.dirname, name)

function stop(): void {
  // A second time does not wait for the books.
  if (end.signal.aborted) process.exit(130)
  end.abort()
  screen.close()
  say('\nstopping: orders on their way, then the agents; once more to leave at once')
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
// The reader of the output has gone, as `| head` does: nobody is left to show the fleet to.
stdout.on('error', () => end.abort())
// Whatever happens, the terminal is given back as it was.
process.on('exit', () => {
  screen.close()
  if (stdin.isTTY) stdin.setRawMode(false)
})
if (stdin.isTTY && stdout.isTTY && !options.json) {
  stdin.setRawMode(true).setEncoding('utf8')
  stdin.on('data', (text) => {
    for (const key of keysIn(String(text))) void keyboard.press(key)
  })
}

const stateDir = options.state === undefined ? mkdtempSync(join(tmpdir(), 'tollgate-fleet-')) : resolve(options.state)
try {
  const { ok, text, json } = await runFleet(options, {
    screen: shown,
    print: say,
    end: end.signal,
    stateDir,
    pageFolder: program('page'),
    programs: { agent: program('agent.js'), ndsctl: program('ndsctl.js'), machine: program('agent-machine.js') },
    opened: (fleet) => stdin.isTTY && stdout.isTTY && keyboard.opened(fleet),
  })
  stdout.write(options.json ? `${JSON.stringify(json)}\n` : `\n${text}\n`)
  // The journals of a run that went well tell nobody anything; those of another one do.
  if (ok && options.state === undefined) rmSync(stateDir, { recursive: true, force: true })
  process.exit(ok ? 0 : 1)
} catch (error) {
  screen.close()
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
