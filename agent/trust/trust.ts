// Trust: whose signatures this router asks for. Without a file of keys nothing need be signed.
import type { Config } from '../config.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../time/clock.ts'
import { createKeyRing, type KeyRing } from './key-ring.ts'
import { type OpenSigned, signaturesFor, signedCommand, signedPurchase } from './signatures.ts'

export interface Trust {
  /** Opens a signed purchase; absent where purchases need no signature. */
  openPurchase?: OpenSigned
  /** Opens a signed command that acts; absent where commands need no signature. */
  openCommand?: OpenSigned
  readonly warnings: readonly string[]
  /** Reads the keys; resolves when they are read, or cannot be, or after two seconds. They are read again until `over`. */
  open(over: AbortSignal): Promise<void>
}

// Keys may stand on a disk that hangs.
const openWithin = 2000

export function createTrust(config: Config, { sleep }: Pick<Clock, 'sleep'>, log: Log): Trust {
  const ringOf = (path: string | undefined) => (path === undefined ? undefined : createKeyRing(path, sleep, log))
  const [purchases, commands] = [ringOf(config.keys.purchases), ringOf(config.keys.commands)]
  const rings = [purchases, commands].filter((ring): ring is KeyRing => ring !== undefined)
  return {
    ...(purchases && { openPurchase: signaturesFor(signedPurchase, config, () => purchases.keys) }),
    ...(commands && { openCommand: signaturesFor(signedCommand, config, () => commands.keys) }),
    get warnings() {
      return rings.flatMap(({ warning }) => warning ?? [])
    },
    async open(over) {
      if (rings.length === 0) return
      const read = Promise.all(rings.map((ring) => ring.refresh()))
      await Promise.race([read, sleep(openWithin, over)])
      for (const ring of rings) void ring.follow(over)
    },
  }
}
