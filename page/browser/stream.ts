// The one stream from the server, made again when it is lost.
import { effect } from '@preact/signals'
import type { Frame } from '../wire/wire.ts'
import { view } from './address.ts'
import { post } from './api.ts'
import { connection, server, take } from './store.ts'

const pause = 2000
// The server says something at least every five seconds.
const silence = 15_000

let source: EventSource | undefined
let heardAt = 0

export function follow(): void {
  source?.close()
  const { router } = view.peek()
  source = new EventSource(`./api/stream${router === undefined ? '' : `?router=${encodeURIComponent(router)}`}`)
  heardAt = performance.now()
  source.onmessage = ({ data }) => {
    heardAt = performance.now()
    take(JSON.parse(data) as Frame)
    connection.value = 'live'
  }
  source.onerror = () => {
    source?.close()
    connection.value = 'lost'
    setTimeout(begin, pause)
  }
}

/** Follows, or asks for the token first. */
export async function begin(): Promise<void> {
  const answer = await fetch('./api/hello').catch(() => undefined)
  if (answer?.status === 401) connection.value = 'shut'
  else if (answer?.ok) follow()
  else {
    connection.value = 'lost'
    setTimeout(begin, pause)
  }
}

export function stayConnected(): void {
  setInterval(() => {
    if (connection.value === 'live' && performance.now() - heardAt > silence) {
      source?.close()
      connection.value = 'lost'
      void begin()
    }
  }, 1000)
  let looked: string | undefined = view.peek().router
  effect(() => {
    const { router } = view.value
    if (router === looked) return
    looked = router
    const { stream } = server.peek()
    if (connection.peek() === 'live') void post('look', { stream, router: router ?? null })
  })
}
