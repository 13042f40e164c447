// How much of each purchase of a session is left. Lots are used first in, first out, so what remains is of the last ones.
import type { Bought, Device } from '../wire/wire.ts'

export interface ShownLot {
  purchase: Bought
  left: number
}

export function lotsOf({ bought, remaining }: Pick<Device, 'bought' | 'remaining'>): ShownLot[] {
  const unspent = { bytes: remaining.bytes ?? 0, milliseconds: remaining.milliseconds ?? 0 }
  const lots = bought.toReversed().map((purchase): ShownLot => {
    const left = Math.min(purchase.allotment, unspent[purchase.metric])
    unspent[purchase.metric] -= left
    return { purchase, left }
  })
  return lots.reverse()
}
