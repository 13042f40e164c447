// The streams to the browsers, as Server-Sent Events: each gets at most one frame a beat, with all that is new to it. A browser that is
// slow misses beats and is told later what came of them, so at most one frame waits for it.
import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Frame } from '../wire/wire.ts'
import type { FaultInjector } from './acts.ts'
import type { Picture, PictureClock } from './picture.ts'

export interface Streams {
  /** Takes the response over; false where there are too many. */
  open(response: ServerResponse, looksAt: string | undefined): boolean
  /** Names the router that this browser looks at from now on; false where there is no such stream. */
  look(stream: string, routerId: string | undefined): boolean
  /** Sends what is new to each. */
  beat(): void
  close(): void
  readonly size: number
}

export interface StreamsParts {
  picture: Pick<Picture, 'version' | 'since' | 'detailSince' | 'isOutdated'>
  clock: PictureClock
  isReadOnly: boolean
  faults: Pick<FaultInjector, 'kinds' | 'records'>
  byHand: (routerId: string) => string | undefined
}

interface Stream {
  id: string
  response: ServerResponse
  /** The version that it knows all of; nothing before its first frame. */
  seen: number | undefined
  looksAt: string | undefined
  detailSeen: number
  faultsSeen: unknown
  sentAt: number
}

const mostStreams = 64
// A browser that hears nothing for longer believes that the server is gone.
const longestSilence = 5000
// A browser that takes nothing for so long has gone.
const patience = 60_000

export function createStreams({ picture, clock, isReadOnly, faults, byHand }: StreamsParts): Streams {
  const streams = new Map<string, Stream>()

  function open(response: ServerResponse, looksAt: string | undefined): boolean {
    if (streams.size >= mostStreams) return false
    const id = randomUUID()
    const stream: Stream = {
      id,
      response,
      seen: undefined,
      looksAt,
      detailSeen: -1,
      faultsSeen: undefined,
      sentAt: clock.now(),
    }
    streams.set(id, stream)
    response.once('close', () => streams.delete(id))
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    response.socket?.setNoDelay(true)
    send(stream)
    return true
  }

  function look(id: string, routerId: string | undefined): boolean {
    const stream = streams.get(id)
    if (!stream) return false
    Object.assign(stream, { looksAt: routerId, detailSeen: -1 })
    send(stream)
    return true
  }

  function send(stream: Stream): void {
    const now = clock.now()
    if (stream.response.writableNeedDrain) {
      if (now - stream.sentAt > patience) stream.response.destroy()
      return
    }
    const frame = frameFor(stream, Math.round(now))
    const isEmpty = Object.keys(frame).length === 1
    if (isEmpty && now - stream.sentAt < longestSilence) return
    stream.sentAt = now
    stream.response.write(`data: ${JSON.stringify(frame)}\n\n`)
  }

  function frameFor(stream: Stream, now: number): Frame {
    const isNew = stream.seen === undefined || picture.isOutdated(stream.seen)
    const { looksAt } = stream
    const detail = looksAt === undefined ? undefined : picture.detailSince(stream.detailSeen, looksAt)
    const mac = looksAt === undefined ? undefined : byHand(looksAt)
    const records = faults.records()
    const frame: Frame = {
      now,
      ...(isNew && { whole: { stream: stream.id, isReadOnly, kinds: faults.kinds } }),
      ...picture.since(isNew ? -1 : (stream.seen ?? -1)),
      ...((isNew || records !== stream.faultsSeen) && records.length > 0 && { faults: records }),
      ...(detail && { detail: { ...detail, ...(mac !== undefined && { byHand: mac }) } }),
    }
    stream.seen = stream.detailSeen = picture.version
    stream.faultsSeen = records
    return frame
  }

  return {
    open,
    look,
    beat() {
      for (const stream of streams.values()) send(stream)
    },
    close() {
      for (const { response } of streams.values()) response.destroy()
    },
    get size() {
      return streams.size
    },
  }
}
