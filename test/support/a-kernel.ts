// A router's kernel as the guard meets it: what passes is counted and cut packet by packet; and the guard that writes its table.
import { changedTable, counted, emptyTable, type GuardChange, type GuardTable } from '../../agent/portal/guard-table.ts'
import { type Guard, GuardFault, type GuardListener } from '../../agent/valve/guard/guard.ts'

export interface Volume {
  downloaded: number
  uploaded: number
}

export type Kernel = ReturnType<typeof aKernel>

/** `now`: milliseconds of this boot. A packet beyond the limit passes, and is counted. */
export function aKernel(now: () => number, packet = 1500) {
  let table: GuardTable | undefined
  const listeners = new Set<GuardListener>()

  /** The part of it that comes through for that address. */
  function pass(ip: string, volume: Volume): Volume {
    const end = table?.until.get(ip)
    if (!table || table.cut.has(ip) || end === null || (end !== undefined && end <= now())) {
      return end === undefined && !table?.cut.has(ip) ? volume : { downloaded: 0, uploaded: 0 }
    }
    const sessionId = table.byIp.get(ip)
    const quota = sessionId === undefined ? undefined : table.quotas.get(sessionId)
    if (sessionId === undefined || !quota) return volume
    const passed = within(quota.limit - counted(quota), volume, packet)
    const after = {
      ...quota,
      downloaded: quota.downloaded + passed.downloaded,
      uploaded: quota.uploaded + passed.uploaded,
    }
    table = { ...table, quotas: new Map([...table.quotas, [sessionId, after]]) }
    if (counted(after) >= after.limit && counted(volume) > 0) {
      table = changedTable(table, [{ do: 'cut', ip }])
      for (const listener of listeners) listener.cut([ip])
    }
    return passed
  }

  return {
    pass,
    /** When the time of an address ends, in milliseconds of this boot, where it does. */
    endOf: (ip: string): number | undefined => table?.until.get(ip) ?? undefined,
    /** Whether a session is charged for that address. */
    isCounted: (ip: string): boolean => table?.byIp.has(ip) === true,
    isCut: (ip: string): boolean => {
      const end = table?.until.get(ip)
      return table?.cut.has(ip) === true || end === null || (end !== undefined && end <= now())
    },
    get table() {
      return table
    },
    /** Somebody else takes the table away. */
    lose(): void {
      table = undefined
      for (const listener of listeners) listener.damaged()
    },
    change(changes: readonly GuardChange[], isNew: boolean): void {
      if (!table && !isNew) throw new GuardFault('guard-refused', 'No such file or directory')
      table = changedTable(table ?? emptyTable, changes)
    },
    remove(): void {
      table = undefined
    },
    listeners,
    read(): GuardTable | undefined {
      if (!table) return undefined
      const at = now()
      const until = [...table.until].map(([ip, end]) => [ip, end !== null && end > at ? end : null] as const)
      return { ...table, until: new Map(until) }
    },
  }
}

// As much as is left, in whole packets, down before up.
function within(left: number, { downloaded, uploaded }: Volume, packet: number): Volume {
  if (downloaded + uploaded <= left) return { downloaded, uploaded }
  const most = left <= 0 ? Math.min(packet, downloaded + uploaded) : Math.ceil(left / packet) * packet
  const down = Math.min(downloaded, most)
  return { downloaded: down, uploaded: Math.min(uploaded, most - down) }
}

/** A guard of that kernel. `takes`: waits for as long as a call is to take, and may throw. */
export function guardOf(kernel: Kernel, takes: (call: string) => Promise<void> = async () => {}): Guard {
  return {
    async open() {
      await takes('open')
    },
    async read() {
      await takes('read')
      return kernel.read()
    },
    async change(changes, isNew) {
      await takes('change')
      kernel.change(changes, isNew)
    },
    async remove() {
      await takes('remove')
      kernel.remove()
    },
    watch(listener) {
      kernel.listeners.add(listener)
      return () => void kernel.listeners.delete(listener)
    },
  }
}
