// The deadline of a command: judged only by a clock that can be believed.
import type { Command, CommandError } from '../../protocol/index.ts'
import type { Clock } from '../time/clock.ts'
import { wallOf } from '../time/moment.ts'
import { refusal } from './answer.ts'

export function missedDeadline({ notAfter }: Command, clock: Clock): CommandError | undefined {
  if (notAfter === undefined || !clock.synced() || clock.wall() < wallOf(notAfter)) return undefined
  return refusal('expired', `it came after its notAfter, ${notAfter}: give the order again`)
}
