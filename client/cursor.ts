// A cursor: for each router the last event that was taken. As text it can be saved; each item's is a snapshot, cheap to take
// in a large fleet because only a handful of routers is copied for each event.
import { crc32 } from 'node:zlib'
import { FleetError } from './errors.ts'

export interface Position {
  epoch: string
  seq: number
}

/** A saved cursor: text, or what its JSON is. */
export type Cursor = string | { version: 1; routers: Record<string, Position> }

/** Positions of routers; `with` leaves this one as it is. */
export interface Positions {
  get(routerId: string): Position | undefined
  with(routerId: string, position: Position): Positions
  toString(): string
}

const buckets = 64

export function positionsOf(cursor?: Cursor): Positions {
  let positions = over(new Array(buckets).fill(noRouters))
  for (const [routerId, position] of Object.entries(routersOf(cursor))) positions = positions.with(routerId, position)
  return positions
}

const noRouters: ReadonlyMap<string, Position> = new Map()

function over(parts: readonly ReadonlyMap<string, Position>[]): Positions {
  const partOf = (routerId: string) => crc32(routerId) % buckets
  return {
    get: (routerId) => parts[partOf(routerId)]?.get(routerId),
    with(routerId, position) {
      const changed = [...parts]
      changed[partOf(routerId)] = new Map(parts[partOf(routerId)]).set(routerId, position)
      return over(changed)
    },
    toString: () => JSON.stringify({ version: 1, routers: Object.fromEntries(parts.flatMap((part) => [...part])) }),
  }
}

function routersOf(cursor: Cursor | undefined): Record<string, Position> {
  if (cursor === undefined) return {}
  let content: unknown = cursor
  try {
    if (typeof cursor === 'string') content = JSON.parse(cursor)
  } catch {
    // Said below.
  }
  const { version, routers } = Object(content)
  const isPosition = (one: unknown) => typeof Object(one).epoch === 'string' && Number.isSafeInteger(Object(one).seq)
  const isWhole = version === 1 && typeof routers === 'object' && Object.values(Object(routers)).every(isPosition)
  if (!isWhole) throw new FleetError('invalid-argument', 'from: this is no cursor of this client')
  return routers ?? {}
}
