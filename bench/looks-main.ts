// An agent whose looks are let through only on demand, and counted with the CPU they cost, children included. Its parent
// says how many; it also says what polling every session costs in the same process.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { assembleAgent } from '../agent/assemble.ts'
import { readConfig } from '../agent/config.ts'
import { keepHeapLean, makeNoOptimisedCode } from '../agent/lean-heap.ts'
import { createLog } from '../agent/log.ts'
import { execNdsctl, type Ndsctl } from '../agent/valve/ndsctl/exec.ts'
import { socketNdsctl } from '../agent/valve/ndsctl/socket.ts'
import type { FromLooks, ToLooks } from './look-cpu.ts'

const read = readConfig(process.env)
if ('problems' in read) throw new Error(read.problems.join('; '))
const { config } = read
const { transport, socket, ndsctl: program, timeoutMilliseconds } = config.portal
const log = createLog('silent')
const ask =
  transport === 'socket'
    ? socketNdsctl(socket, timeoutMilliseconds)
    : execNdsctl(program, timeoutMilliseconds, { debug: () => {} })

// Looks pass freely until the sessions are open; then each is let through on demand.
let looksLeft = Number.POSITIVE_INFINITY
let letThrough = () => {}
let stopped = () => {}

const counted: Ndsctl = async (args) => {
  if (args[0] === 'json' && args.length === 1 && looksLeft-- <= 0) {
    // The look before is done with: it has been settled, and the loop has slept.
    stopped()
    await new Promise<void>((resolve) => {
      letThrough = resolve
    })
  }
  return ask(args)
}

async function cpuOfLooks(looks: number): Promise<number> {
  const from = cpuMilliseconds()
  const done = new Promise<void>((resolve) => {
    stopped = resolve
  })
  looksLeft = looks - 1
  letThrough()
  await done
  return cpuMilliseconds() - from
}

async function cpuOfPolling(looks: number, sessions: number): Promise<number> {
  const from = cpuMilliseconds()
  for (let look = 0; look < looks; look++) {
    for (let session = 0; session < sessions; session++) {
      const { stdout } = await promisify(execFile)('cat', ['client'])
      JSON.parse(stdout)
    }
  }
  return cpuMilliseconds() - from
}

// User and system time of this process, of its threads, and of the children that have ended.
function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage()
  const afterName = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  const ticks = Number(afterName[13]) + Number(afterName[14])
  return (user + system) / 1000 + ticks * millisecondsOfATick
}
const millisecondsOfATick = 10

function tell(message: FromLooks): void {
  process.send?.(message)
}

process.on('message', async (message: ToLooks) => {
  if (message.ask === 'hold') {
    const held = new Promise<void>((resolve) => {
      stopped = resolve
    })
    looksLeft = 0
    await held
    tell({ cpuMilliseconds: 0 })
  }
  if (message.ask === 'looks') tell({ cpuMilliseconds: await cpuOfLooks(message.looks) })
  if (message.ask === 'polling') tell({ cpuMilliseconds: await cpuOfPolling(message.looks, message.sessions) })
})
process.once('disconnect', () => process.exit(0))
makeNoOptimisedCode()
keepHeapLean(0)
await assembleAgent(config, { ndsctl: counted, log }).open()
