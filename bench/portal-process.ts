// Starts the stand-in portal in a process of its own, and waits for what it tells.
import { fork } from 'node:child_process'
import { join } from 'node:path'
import type { Stage } from './figure.ts'
import type { GateMoved } from './flowing-portal.ts'
import { programFile, temporaryFolder } from './places.ts'

/** Milliseconds before each answer. */
export interface Latencies {
  json: number
  auth: number
  deauth: number
}

/** A real nodogsplash on a PC, measured; a router is 10 to 40 times slower. */
export const realLatencies: Latencies = { json: 4.4, auth: 12, deauth: 50 }
export const noLatencies: Latencies = { json: 0, auth: 0, deauth: 0 }

export interface ToPortal {
  joins: { mac: string; ip: string; bytesPerSecond: number }[]
}

export interface PortalProcess {
  socket: string
  /** Devices that have met the portal page, and take that much whenever their gate is open. */
  join(...devices: ToPortal['joins']): Promise<void>
  /** The next time that this gate moves there. Ask before you act. */
  moves(mac: string, is: GateMoved['is']): Promise<GateMoved>
}

export async function openPortal(stage: Stage, latencies: Latencies): Promise<PortalProcess> {
  const socket = join(temporaryFolder(stage), 'ndsctl.sock')
  const child = fork(programFile('bench-portal'), ['--socket', socket, '--latencies', JSON.stringify(latencies)])
  stage.afterwards(() => child.kill('SIGKILL'))

  function told<T>(pick: (message: unknown) => T | undefined): Promise<T> {
    const heard = new Promise<T>((resolve, reject) => {
      const onMessage = (message: unknown) => {
        const picked = pick(message)
        if (picked === undefined) return
        child.off('message', onMessage).off('exit', onExit)
        resolve(picked)
      }
      const onExit = () => reject(new Error('the stand-in portal ended by itself'))
      child.on('message', onMessage).once('exit', onExit)
    })
    // The portal may end before anybody waits for it.
    heard.catch(() => {})
    return heard
  }
  const word = (expected: string) => told((message) => (message === expected ? true : undefined))

  await word('serving')
  return {
    socket,
    async join(...joins) {
      const joined = word('joined')
      child.send({ joins } satisfies ToPortal)
      await joined
    },
    moves: (mac, is) =>
      told((message) => {
        const move = message as GateMoved
        return move.mac === mac && move.is === is ? move : undefined
      }),
  }
}
