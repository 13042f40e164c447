// How a session is shown, the same in every event, report and reply.
import * as z from 'zod'
import { Amounts, Count, Mac, Timestamp } from './values.ts'

/** `waiting`: paid and not open yet; `open`; `paused` by command; `closing`: spent or ended, the gate not yet seen shut. */
export const SessionState = z.enum(['waiting', 'open', 'paused', 'closing'])
export type SessionState = z.infer<typeof SessionState>

/**
 * Why a session waits: the portal has not seen the `device`; the `portal` cannot be reached; it does not open the `gate`; or
 * the router's owner lets that device through anyway (`trusted`), so that nothing is used. All are tried again.
 */
export const WaitingFor = z.enum(['device', 'portal', 'gate', 'trusted'])
export type WaitingFor = z.infer<typeof WaitingFor>

/**
 * One device's stay. `allotment = used + remaining`, per metric; `downloaded` is towards the customer; both counters
 * and `openMilliseconds` only grow. `startedAt` is null until the gate was first seen open. `quality` tells whether the
 * numbers come from the portal's latest answer (`measured`) or from before it fell silent (`last-known`);
 * `ageMilliseconds` is how long ago they were read, absent when that was never or in an earlier boot.
 */
export const Session = z.object({
  sessionId: z.string(),
  mac: Mac,
  state: SessionState,
  startedAt: Timestamp.nullable(),
  allotment: Amounts,
  used: Amounts,
  remaining: Amounts,
  downloaded: Count,
  uploaded: Count,
  openMilliseconds: Count,
  bytesPerSecond: Count,
  exhaustsAt: Timestamp.optional(),
  waitingFor: WaitingFor.optional(),
  quality: z.enum(['measured', 'last-known']),
  ageMilliseconds: Count.optional(),
})
export type Session = z.infer<typeof Session>
