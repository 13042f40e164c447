// Outages: one log line when the connection is lost, another when the reason changes, and one when it is back.

import type { Log } from '../log.ts'
import type { Clock } from '../time/clock.ts'
import type { Warnings } from './broker-warnings.ts'
import { withoutSecrets } from './names.ts'
import type { Place } from './places.ts'

export interface Outages {
  /** `canRetain`: this broker keeps retained messages. */
  over(place: Place, canRetain: boolean): void
  away(place: Place, reason: string): void
}

export function createOutages(clock: Pick<Clock, 'monotonic'>, log: Log, warnings: Warnings): Outages {
  let awayWith: { reason: string; since: number } | undefined
  return {
    over(place, canRetain) {
      const awayMilliseconds = awayWith && clock.monotonic() - awayWith.since
      const length = awayMilliseconds !== undefined && { awayMilliseconds }
      log.info({ ...whereIs(place), ...length }, 'connected to the broker')
      awayWith = undefined
      const seenBy = 'the status is seen by those who listen only'
      if (canRetain) warnings.clear('retain')
      else warnings.raise('retain', `${withoutSecrets(place.url)} keeps no retained messages: ${seenBy}`)
    },
    away(place, reason) {
      const where = whereIs(place)
      const isNew = awayWith?.reason !== reason
      awayWith = { reason, since: awayWith?.since ?? clock.monotonic() }
      log[isNew ? 'warn' : 'debug']({ ...where, reason }, 'no connection to the broker, trying again')
      // Stands in the status afterwards, so that a person learns why the router was away.
      if (isNew) warnings.raise('connection', `the connection to ${where.broker} was lost or not made: ${reason}`)
    },
  }
}

const whereIs = ({ url, address }: Place) => ({ broker: withoutSecrets(url), ...(address && { address }) })
