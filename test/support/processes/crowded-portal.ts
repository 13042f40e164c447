// Asks a wedging daemon by the socket transport while a crowd asks it too, and notes how long each answer took.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { socketNdsctl } from '../../../agent/valve/ndsctl/socket.ts'
import { bundle } from './bundle.ts'

export interface Crowd {
  callers: number
  seconds: number
}

/** Milliseconds between one answer and the next, the shortest first; a call that fails is a rejection. */
export async function askAmongOthers({ callers, seconds }: Crowd): Promise<number[]> {
  const program = bundle('test/support/processes/crowded-portal-main.ts')
  const folder = dirname(program)
  const socket = join(folder, 'ndsctl.sock')
  const env = { ...process.env, CROWD_SOCKET: socket, CROWD_CALLERS: String(callers) }
  const daemon = spawn(process.execPath, [program], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    await once(daemon.stdout, 'data')
    return await gapsOf(socketNdsctl(socket, 10_000), seconds * 1000)
  } finally {
    daemon.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

async function gapsOf(ask: ReturnType<typeof socketNdsctl>, milliseconds: number): Promise<number[]> {
  const gaps: number[] = []
  const end = performance.now() + milliseconds
  for (let before = performance.now(); before < end; ) {
    await ask(['json'])
    const now = performance.now()
    gaps.push(now - before)
    before = now
  }
  return gaps.sort((a, b) => a - b)
}
