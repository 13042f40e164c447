// One lab a machine: the portal's socket and lock are where they are on a router, so a second one would take them away.
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { execa } from 'execa'
import { createFolderLock, FolderInUse } from '../../../agent/journal/folder-lock.ts'
import { removeAllNamespaces } from './namespaces.ts'

/** Everything the lab keeps in files; that it is there says that a lab was made and not taken away. */
export const labFolder = '/run/tollgate-lab'

/** Takes the machine for this process; removes what an earlier lab left behind. Throws when it is in use. */
export async function claimMachine(): Promise<void> {
  const isLeftBehind = existsSync(labFolder)
  if (!(await tryToClaim())) throw new Error('one lab a machine: another process has one here, wait for its end')
  if (isLeftBehind) await removeAllNamespaces()
  const { socket } = await portalPaths()
  if (!(await answers(socket))) return
  await rm(labFolder, { recursive: true })
  throw new Error(`one lab a machine: a portal that is not the lab's answers at ${socket}, stop it first`)
}

/** Takes away everything that the lab of this process makes. */
export async function freeMachine(): Promise<void> {
  await removeAllNamespaces()
  const { leavings } = await portalPaths()
  for (const path of [...leavings, labFolder]) await rm(path, { recursive: true, force: true })
}

/** The same for a lab whose process is gone. */
export async function freeAbandonedMachine(): Promise<void> {
  if (existsSync(labFolder) && (await tryToClaim())) await freeMachine()
}

async function tryToClaim(): Promise<boolean> {
  try {
    await createFolderLock(labFolder).acquire()
    return true
  } catch (err) {
    if (err instanceof FolderInUse) return false
    throw err
  }
}

/** Where openNDS has its socket, and what it leaves beside it: the first of three folders that is a RAM file system. */
export async function portalPaths(): Promise<{ socket: string; leavings: string[] }> {
  const { stdout } = await execa('/usr/lib/opennds/libopennds.sh', ['tmpfs'], { reject: false, stderr: 'ignore' })
  const folder = stdout.trim() || '/tmp'
  const names = ['ndsctl.sock', 'ndsctl.lock', 'ndscids', 'ndsdata', 'ndslog', 'ndsdebuglevel']
  return { socket: join(folder, 'ndsctl.sock'), leavings: names.map((name) => join(folder, name)) }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
