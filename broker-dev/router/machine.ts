// The machine that an agent runs on, as far as it can be out of order: a disk that is full, and a wall clock that jumps.
import type { Files, OpenFile } from '../../agent/journal/disk.ts'
import type { Clock } from '../../agent/time/clock.ts'

export interface MachineState {
  isDiskFull: boolean
  /** How far the wall clock is ahead, in milliseconds. */
  wallAhead: number
}

export const soundMachine: Readonly<MachineState> = { isDiskFull: false, wallAhead: 0 }

/** These files on that machine's disk; a call that would make one larger is refused while it is full. */
export function filesOf(machine: Readonly<MachineState>, files: Files): Files {
  const written = (file: OpenFile): OpenFile => ({
    appendFile: (bytes) => refusing(machine, () => file.appendFile(bytes)),
    writeFile: (bytes) => refusing(machine, () => file.writeFile(bytes)),
    datasync: () => file.datasync(),
    sync: () => file.sync(),
    close: () => file.close(),
  })
  return {
    ...files,
    open: async (path, flags) =>
      flags === 'a' || flags === 'w' ? written(await files.open(path, flags)) : files.open(path, flags),
    statfs: async (path) => {
      if (machine.isDiskFull || !files.statfs) return { bavail: 0, bsize: 4096 }
      return files.statfs(path)
    },
  }
}

/** The clock with the error that the machine's wall clock has. */
export function clockOf(machine: Readonly<MachineState>, clock: Clock): Clock {
  return { ...clock, wall: () => clock.wall() + machine.wallAhead }
}

function refusing<T>(machine: Readonly<MachineState>, write: () => Promise<T>): Promise<T> {
  if (!machine.isDiskFull) return write()
  return Promise.reject(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }))
}
