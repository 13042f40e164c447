// Subscribing: every topic with QoS 1. A topic that the broker denies is a warning and is asked for again each minute; a broker
// that does not answer at all is left.
import type { Line } from './line.ts'
import { reasonOf } from './reasons.ts'

/** How long the broker may take to answer, in milliseconds. */
const patience = 10_000
// A denied topic may be allowed later.
const subscribeAgainAfter = 60_000

/** Resolves when the broker has answered, or the connection is over. */
export async function subscribe(line: Line, topics: readonly string[]): Promise<void> {
  const waiting = line.waits.begin()
  void limitSilence(line, waiting.signal)
  const granted = await askFor(line, topics)
  waiting.end()
  const denied = topics.filter((topic, index) => !isGranted(line, topic, granted[index]))
  if (denied.length > 0 && !line.over.aborted) void subscribeLater(line, denied)
}

/** The broker's code for each topic. */
function askFor({ client }: Line, topics: readonly string[]): Promise<readonly number[]> {
  return new Promise((resolve) => {
    client.subscribe([...topics], { qos: 1 }, (err, subscribed, packet) => {
      const codes = packet && 'granted' in packet ? (packet.granted as number[]) : undefined
      resolve(codes ?? (err ? [] : (subscribed ?? []).map(({ qos }) => qos)))
    })
  })
}

function isGranted({ warnings, drop }: Line, topic: string, code: number | undefined): boolean {
  if (code === undefined) return false
  if (code === 0) drop(new Error(`the broker grants QoS 0 only on ${topic}, which loses messages: it is not used`))
  const about = `subscription ${topic}`
  if (code < 0x80) warnings.clear(about)
  else warnings.raise(about, `no messages from ${topic} arrive: ${reasonOf(code)}; asked again each minute`)
  return code < 0x80
}

async function subscribeLater(line: Line, topics: readonly string[]): Promise<void> {
  await line.clock.sleep(subscribeAgainAfter, line.over)
  if (!line.over.aborted) await subscribe(line, topics)
}

/** While a broker still delivers what it kept, its answer is on the way. */
async function limitSilence({ clock, heard, drop }: Line, signal: AbortSignal): Promise<void> {
  const asked = clock.monotonic()
  while (!signal.aborted) {
    const left = Math.max(asked, heard.at) + patience - clock.monotonic()
    if (left <= 0) return drop(new Error(`the broker did not answer SUBSCRIBE within ${patience / 1000} s`))
    await clock.sleep(left, signal)
  }
}
