// How long a gate was really open, as somebody upstream sees it to whom a device sends all the time.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { inside, upstream } from './namespaces.ts'
import { discardPort } from './netns-device.ts'
import { upstreamAddress } from './network.ts'

/** The first and the last of the device's packets that passed, in milliseconds by this machine's clock. */
export interface Span {
  first: number
  last: number
}

/**
 * Listens from when it resolves on, and tells when nothing has come for so long. The times are taken where a packet comes: reading the
 * meter takes as long as what is measured here.
 */
export async function openTime(quietFor: number): Promise<{ ended: Promise<Span> }> {
  const listen = `const socket = require('node:dgram').createSocket('udp4')
    let first, last, quiet
    socket.on('message', () => {
      last = Date.now()
      first ??= last
      clearTimeout(quiet)
      quiet = setTimeout(() => { console.log(JSON.stringify({ first, last })); process.exit() }, ${quietFor})
    })
    socket.bind(${discardPort}, '${upstreamAddress}', () => console.log('listens'))`
  const [program = '', ...args] = [...inside(upstream), process.execPath, '-e', listen]
  const listener = execa(program, args, { stdin: 'ignore' })
  await once(createInterface({ input: listener.stdout }), 'line')
  return { ended: listener.then(({ stdout }) => JSON.parse(stdout.split('\n').at(-1) ?? '') as Span) }
}
