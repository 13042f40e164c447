// Numbers the points of an agent's life where a crash could matter, and dies at one of them.
import { closeSync, fsyncSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Disk } from '../../agent/journal/disk.ts'
import type { Incoming, Uplink } from '../../agent/uplink/uplink.ts'
import type { Ndsctl } from '../../agent/valve/ndsctl/exec.ts'

/** `torn`: of a write, only the first half of the bytes is there. */
export type When = 'before' | 'torn' | 'after'

export interface Death {
  at: number
  when: When
}

export type Points = ReturnType<typeof createPoints>

/** `tell` gets every point as it is reached; without a death nothing happens at any of them. */
export function createPoints(death: Death | undefined, tell: (number: number, name: string) => void) {
  let count = 0

  function isDue(name: string): When | undefined {
    tell(++count, name)
    return death?.at === count ? death.when : undefined
  }

  return {
    /** Something that has happened when its promise resolves; `half` is how it looks when it was cut short. */
    async at<T>(name: string, work: () => Promise<T>, half: () => void = () => {}): Promise<T> {
      const due = isDue(name)
      if (due === 'torn') half()
      if (due === 'torn' || due === 'before') die()
      const result = await work()
      if (due === 'after') die()
      return result
    },
    /** Something that others do as soon as the caller has returned. */
    next(name: string): void {
      const due = isDue(name)
      if (due === 'after') setImmediate(() => setImmediate(die))
      else if (due) die()
    },
  }
}

function die(): void {
  process.kill(process.pid, 'SIGKILL')
}

export function numberedDisk(disk: Disk, folder: string, points: Points): Disk {
  const half = (name: string, bytes: Uint8Array, flags: 'a' | 'w') => () => {
    const file = openSync(join(folder, name), flags)
    writeFileSync(file, bytes.subarray(0, Math.ceil(bytes.length / 2)))
    fsyncSync(file)
    closeSync(file)
  }
  return {
    ...disk,
    append: (name, bytes) =>
      points.at(`append ${kindOf(name)}`, () => disk.append(name, bytes), half(name, bytes, 'a')),
    replace: (name, bytes) =>
      points.at(`replace ${kindOf(name)}`, () => disk.replace(name, bytes), half(`${name}.tmp`, bytes, 'w')),
    truncate: (name, size) => points.at(`truncate ${kindOf(name)}`, () => disk.truncate(name, size)),
    remove: (name) => points.at(`remove ${kindOf(name)}`, () => disk.remove(name)),
  }
}

// `journal-0000000000000001.log.damaged` becomes `journal.damaged`.
function kindOf(name: string): string {
  return name.replace(/-[-\d]+\.log/, '')
}

export function numberedNdsctl(ndsctl: Ndsctl, points: Points): Ndsctl {
  return (args, extra) => points.at(`ndsctl ${args[0]}`, () => ndsctl(args, extra))
}

export function numberedUplink(uplink: Uplink, points: Points): Uplink {
  return {
    get connected() {
      return uplink.connected
    },
    get warnings() {
      return uplink.warnings
    },
    get mostBytes() {
      return uplink.mostBytes
    },
    get partBytes() {
      return uplink.partBytes
    },
    get kept() {
      return uplink.kept
    },
    open(handlers, lastWill) {
      const purchase = async (message: Incoming) => {
        const receipt = await handlers.purchase(message)
        if (receipt === 'acknowledge') points.next('acknowledge purchase')
        return receipt
      }
      uplink.open({ ...handlers, purchase }, lastWill)
    },
    publish: (channel, message, options) =>
      points.at(`publish ${channel} ${whatOf(message)}`, () => uplink.publish(channel, message, options)),
    rejoin: () => uplink.rejoin(),
    close: () => points.at('disconnect', () => uplink.close()),
  }
}

function whatOf(message: object): string {
  if ('type' in message) return String(message.type)
  return 'state' in message ? String(message.state) : ''
}
