// A deadline: judged by a clock that can be believed, or by the newest time that one has shown.
import { type Now, wallOf } from '../time/moment.ts'
import type { Books } from './books.ts'

/** A clock that cannot be believed is still not earlier than one that could. */
export function isPast(notAfter: string, now: Now, { syncedWall = 0 }: Pick<Books, 'syncedWall'>): boolean {
  return (now.clockSynced ? now.wall : syncedWall) >= wallOf(notAfter)
}
