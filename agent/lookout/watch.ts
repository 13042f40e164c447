// The memory from look to look, besides the books.
import type { Mac } from '../../protocol/index.ts'
import type { GuardTable } from '../portal/guard-table.ts'
import type { Neighbour } from '../portal/neighbour.ts'
import type { PortalList } from '../portal/portal-client.ts'
import type { ShutAlong } from '../portal/prefix-defect.ts'
import type { Flow } from './silent-gates.ts'
import type { ShutsByDevice } from './unordered-shuts.ts'

/** The memory from look to look, besides the books. */
export interface Watch {
  /** Devices reported as open and unpaid, until seen otherwise. */
  unpaid: ReadonlySet<Mac>
  /** Gates that the agent itself has shut since the look before. */
  shut: ReadonlySet<Mac>
  /** Gates that the agent itself was opening since the look before. */
  opening: ReadonlySet<Mac>
  /** Sessions of an earlier life of the agent, until an answer tells of them: it may have been opening their gates. */
  adopted: ReadonlySet<string>
  flows: ReadonlyMap<Mac, Flow>
  /** Tokens of gates that the portal shut along with another one, and calls open: until it does no more. */
  shutAlong: ReadonlySet<string>
  /** Gates that go with another one, which is about to be shut or was when the agent died: until an answer tells of that one. */
  perhapsAlong: readonly ShutAlong[]
  /** IPs at which a gate was shut since the whole list was last read. */
  shutIps: ReadonlySet<string>
  /** Tokens of open gates that let nothing through. */
  blocked: ReadonlySet<string>
  shuts: ShutsByDevice
  /** Tokens of older entries at a paid device's IP that this agent has cleared, or tried to. */
  cleared: ReadonlySet<string>
  /** How often the portal would not open an older entry that was to be cleared, by token. */
  uncleared: ReadonlyMap<string, number>
}

export const nothingWatched: Watch = {
  unpaid: new Set(),
  shut: new Set(),
  opening: new Set(),
  adopted: new Set(),
  flows: new Map(),
  shutAlong: new Set(),
  perhapsAlong: [],
  shutIps: new Set(),
  blocked: new Set(),
  shuts: new Map(),
  cleared: new Set(),
  uncleared: new Map(),
}

/** The portal's list before this answer and with it. */
export interface Known {
  before?: PortalList
  after: PortalList
  /** The kernel's table, read after the portal answered; or as it was last known. */
  guard?: GuardTable
  knownGuard?: GuardTable
  /** The LAN as the router's kernel last told of it. */
  neighbours?: readonly Neighbour[] | undefined
}
