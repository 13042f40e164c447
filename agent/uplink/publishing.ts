// Publishing on one connection: QoS 1, in time; what the broker refuses is a warning until it takes it.
import type { Line } from './line.ts'
import { NotTaken } from './not-taken.ts'
import { codeOf } from './packets.ts'
import { faultInWords, reasonOf } from './reasons.ts'
import type { Urgency } from './send-window.ts'

export interface PublishOptions {
  urgency: Urgency
  retain?: boolean
  correlationData?: Buffer | undefined
}

export type Send = (topic: string, payload: string, options: PublishOptions, bytesUnderWay: number) => Promise<void>

// How long the broker may take to acknowledge, in milliseconds: longer where much is under way on a slow link.
const patience = { message: 30_000, perKibibyte: 1000, longMessage: 10_000 }

/** Sends one message; resolves when the broker has it, rejects with {@link NotTaken}. */
export function createSender({ client, clock, warnings, heard, waits, drop }: Line): Send {
  const refused = new Set<string>()

  async function limit(topic: string, bytesUnderWay: number, signal: AbortSignal): Promise<void> {
    const most = patience.message + patience.perKibibyte * Math.ceil(bytesUnderWay / 1024)
    await clock.sleep(most, signal)
    // An acknowledgement may stand behind a message that is too long and still comes in.
    while (!signal.aborted && heard.isDropping) await clock.sleep(patience.longMessage, signal)
    if (!signal.aborted) drop(new Error(`the broker did not acknowledge a message on ${topic} within ${most / 1000} s`))
  }

  // An event that was refused comes again as it was, and others before it show nothing; all else is new each time.
  function settleRefusal(about: string, payload: string, urgency: Urgency): void {
    refused.delete(payload)
    if (urgency !== 'event' || refused.size === 0) warnings.clear(about)
  }

  return (topic, payload, { retain = false, correlationData, urgency }, bytesUnderWay) => {
    // The broker may take one kind of message on a topic and refuse another.
    const about = `publish ${topic} ${urgency}`
    const waiting = waits.begin()
    void limit(topic, bytesUnderWay, waiting.signal)
    return new Promise<void>((resolve, reject) => {
      const properties = correlationData ? { correlationData } : {}
      client.publish(topic, payload, { qos: 1, retain, properties }, (err) => {
        waiting.end()
        const code = codeOf(err)
        if (!err) {
          settleRefusal(about, payload, urgency)
          resolve()
        } else if (code === undefined) reject(new NotTaken('no-connection', faultInWords(err), err))
        else {
          if (urgency === 'event') refused.add(payload)
          warnings.raise(about, `the broker refuses messages on ${topic}: ${reasonOf(code)}; tried again`)
          reject(new NotTaken('refused', reasonOf(code), err))
        }
      })
    })
  }
}
