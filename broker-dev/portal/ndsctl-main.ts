// The mock `ndsctl` as a program: it takes the place of the real one on PATH and talks to a served mock portal.

import { appendFileSync } from 'node:fs'
import { connect } from 'node:net'
import { waitingDoorOf } from './door.ts'
import { takeLock } from './lock.ts'
import { ndsctl } from './ndsctl.ts'
import type { Flavour } from './settings.ts'

const args = process.argv.slice(2)
const { MOCK_NDSCTL_SOCKET = '/tmp/ndsctl.sock', MOCK_NDSCTL_FLAVOUR = 'nodogsplash', MOCK_NDSCTL_LOG } = process.env
const flavours: string[] = ['nodogsplash', 'opennds', 'opennds-10'] satisfies Flavour[]

if (!flavours.includes(MOCK_NDSCTL_FLAVOUR)) throw new Error(`MOCK_NDSCTL_FLAVOUR is none of ${flavours.join(', ')}`)
if (MOCK_NDSCTL_LOG) appendFileSync(MOCK_NDSCTL_LOG, `${args.join(' ')}\n`)

const ending = await ndsctl(args, { flavour: MOCK_NDSCTL_FLAVOUR as Flavour, send })
process.exitCode = ending.exitCode
process.stdout.write(ending.stdout)
process.stderr.write(ending.stderr)

async function send(request: string, socketPath = MOCK_NDSCTL_SOCKET): Promise<string> {
  if (MOCK_NDSCTL_FLAVOUR === 'nodogsplash') return exchange(request, socketPath)
  const release = await takeLock(socketPath)
  return exchange(request, socketPath).finally(release)
}

function exchange(request: string, socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let reply = ''
    const socket = connect(socketPath, () => socket.write(request)).setEncoding('utf8')
    socket.on('data', (piece) => {
      reply += piece
    })
    // A daemon that dies while it is asked leaves a cut reply behind, not a fault of the connection.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET') resolve(reply)
      // The real program waits in connect() while the daemon's queue is full.
      else if (error.code === 'EAGAIN') resolve(exchange(request, waitingDoorOf(socketPath)))
      else reject(error)
    })
    socket.on('end', () => resolve(reply))
  })
}
