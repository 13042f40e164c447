// The page of the simulated fleet, with faults at a click.
import { connectFleet, type FleetOptions, memoryStore } from '../../client/index.ts'
import { runPage } from '../../page/server/page.ts'
import { macOf } from '../customers/crowd.ts'
import { faults as kinds } from '../faults/faults.ts'
import type { Injector } from '../faults/injector.ts'

export interface FleetPage {
  url: string
  close(): Promise<void>
}

export interface FleetPageParts {
  /** The broker's address, and who the page is to it. */
  broker: Pick<FleetOptions, 'url' | 'username' | 'passwordFile'>
  /** The port asked for; without one the usual one, or a free one. */
  port: number | undefined
  /** Where the built page is. */
  folder: string
  faults: Pick<Injector, 'inject' | 'log'>
}

const usualPort = 8081

export async function openPage({ broker, port, folder, faults }: FleetPageParts): Promise<FleetPage> {
  const fleet = await connectFleet({ ...broker, store: memoryStore() })
  const end = new AbortController()
  let running: Promise<void> = Promise.resolve()

  function listen(at: number): Promise<string> {
    return new Promise((onListening, reject) => {
      running = runPage(fleet, {
        address: { host: '127.0.0.1', port: at },
        ...{ folder, onListening, isReadOnly: false, actsBeyondThisMachine: false, from: 'beginning' },
        signal: end.signal,
        faults: { kinds, inject: faults.inject, records: () => faults.log().records },
        // Device 0 is the one to buy for by hand.
        byHand: (routerId) => macOf(Number(routerId.slice(1)), 0),
      })
      running.catch(reject)
    })
  }

  async function close(): Promise<void> {
    end.abort()
    await running.catch(() => {})
    await fleet.close()
  }

  const isTaken = (error: NodeJS.ErrnoException) => error.code === 'EADDRINUSE'
  const address = await listen(port ?? usualPort).catch(async (error) => {
    if (isTaken(error) && port === undefined) return listen(0)
    await close()
    throw isTaken(error) ? new Error(`port ${port} is taken: leave out --page-port for a free one`) : error
  })
  return { url: address, close }
}
