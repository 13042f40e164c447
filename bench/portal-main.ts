// The stand-in for nodogsplash as a process: the mock portal at a socket, as slow as it is told to be. Its parent says
// which devices there are, and hears of every gate that moves.
import { parseArgs } from 'node:util'
import { servePortal } from '../broker-dev/portal/socket.ts'
import { createPortal } from '../broker-dev/portal/world.ts'
import { createFlowingPortal } from './flowing-portal.ts'
import { monotonic } from './monotonic.ts'
import type { Latencies, ToPortal } from './portal-process.ts'

const { values } = parseArgs({ options: { socket: { type: 'string' }, latencies: { type: 'string' } } })
const { socket = '', latencies: given = '{}' } = values
const latencies: Partial<Latencies> = JSON.parse(given)

const world = createPortal({ flavour: 'nodogsplash', now: Date.now, random: Math.random, maxClients: 250 })
const { portal, join } = createFlowingPortal(world, monotonic, (move) => process.send?.(move))

// One thread serves the daemon's socket, one request at a time: so this one sleeps, and everybody else waits.
const sleeper = new Int32Array(new SharedArrayBuffer(4))
const slow = {
  ...portal,
  get running() {
    return portal.running
  },
  serve(line: string): Promise<string> {
    const [command = ''] = line.split(' ')
    const milliseconds = latencies[command as keyof Latencies] ?? 0
    if (milliseconds > 0) Atomics.wait(sleeper, 0, 0, milliseconds)
    return portal.serve(line)
  },
}

process.on('message', ({ joins }: ToPortal) => {
  for (const { mac, ip, bytesPerSecond } of joins) join(mac, ip, bytesPerSecond)
  process.send?.('joined')
})
process.once('disconnect', () => process.exit(0))
await servePortal(slow, socket)
process.send?.('serving')
