// The fleet's exporter: one for all routers, for Prometheus to scrape. It counts events from when it listens on, so that a start
// looks to Prometheus like any counter that begins anew; sums that must not restart are in the history (`sink`).
import { setFlagsFromString } from 'node:v8'
import type { EventsOptions, Fleet } from '../client/index.ts'
import type { ListenAddress } from '../metrics/address.ts'
import { familiesOf, type RouterFacts } from '../metrics/families.ts'
import { type Listening, listen } from '../metrics/listen.ts'
import { processFamilies } from '../metrics/process-families.ts'
import { count, newTally, type Tally } from '../metrics/tally.ts'

export interface ExporterOptions {
  address: ListenAddress
  from: NonNullable<EventsOptions['from']>
  signal: AbortSignal
  onListening?: (url: string) => void
}

/** Resolves when the signal aborts. */
export async function runExporter(
  fleet: Fleet,
  { address, from, signal, onListening }: ExporterOptions,
): Promise<void> {
  const tallies = new Map<string, Tally>()
  let isHearing = false

  function tallyOf(routerId: string): Tally {
    const tally = tallies.get(routerId) ?? newTally()
    tallies.set(routerId, tally)
    return tally
  }

  async function families() {
    const routers = await fleet.routers({ signal })
    const facts = routers.map((view): RouterFacts => ({ ...view, tally: tallyOf(view.routerId) }))
    return [...familiesOf(facts), ...processFamilies()]
  }

  async function hear(): Promise<void> {
    const options = { from, signal, onListening: granted }
    for await (const { item } of fleet.events(options)) count(tallyOf(item.routerId), item)
  }

  function granted(): void {
    isHearing = true
  }

  // Time is spent rather than memory: a large fleet's messages would have V8 take several times what is kept of them.
  setFlagsFromString('--semi-space-growth-factor=1')
  // It would collect only when the heap has grown by half and more.
  setFlagsFromString('--heap-growing-percent=30')
  const fault = () => (isHearing ? undefined : 'no broker has granted the subscriptions yet')
  const server: Listening = await listen(address, { families, fault })
  onListening?.(server.url)
  await hear().finally(server.close)
}
