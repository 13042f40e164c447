// How large a message may be, learned from connections that ended: MQTT 3.1.1 does not tell why they do.

import type { Warnings } from './broker-warnings.ts'
import type { Ended } from './connection.ts'
import { smallPart } from './send-window.ts'

export interface SizeLimit {
  /** Messages of this size and more are not sent. */
  readonly bytes: number
  /** Connections have ended under large messages: parts are better small. */
  readonly isSuspected: boolean
  ended(how: Ended): void
}

// After this many ends in a row with a large message under way parts are made small ...
const suspicious = 2
// ... and after this many the message is taken for one that the broker will never take.
const hopeless = 5

export function createSizeLimit(warnings: Warnings): SizeLimit {
  let losses = 0
  let bytes = Number.POSITIVE_INFINITY
  return {
    get bytes() {
      return bytes
    },
    get isSuspected() {
      return losses >= suspicious
    },
    ended({ hasTakenLarge, byBroker, largestUnderWay }) {
      if (hasTakenLarge) losses = 0
      if (!byBroker || largestUnderWay <= smallPart) return
      losses++
      if (losses < hopeless) return
      losses = suspicious
      bytes = Math.min(bytes, largestUnderWay)
      const what = `messages of ${bytes} bytes and more are not sent: the broker ends the connection at each`
      warnings.raise('size', `${what}; raise its limit (Mosquitto: max_packet_size) or set AGENT_MQTT_VERSION=5`)
    },
  }
}
