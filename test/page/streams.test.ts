// Proves the streams to browsers: one frame a beat with all that is new, and no more than one frame waiting for a slow one.
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { expect, it } from 'vitest'
import { createPicture } from '../../page/server/picture.ts'
import { createStreams } from '../../page/server/streams.ts'
import type { FaultRecord, Frame } from '../../page/wire/wire.ts'
import { accepted, started } from '../support/messages.ts'

class SlowResponse extends EventEmitter {
  readonly frames: Frame[] = []
  writableNeedDrain = false
  isDestroyed = false
  writeHead(): void {}
  write(text: string): void {
    expect(text).toMatch(/^data: .*\n\n$/)
    this.frames.push(JSON.parse(text.slice(6)))
  }
  destroy(): void {
    this.isDestroyed = true
    this.emit('close')
  }
}

function aBrowser() {
  const response = new SlowResponse()
  return { frames: response.frames, response, asResponse: response as unknown as ServerResponse }
}

function someStreams() {
  const time = { now: 0 }
  const clock = { now: () => time.now, wall: () => 0 }
  const picture = createPicture(clock)
  const records = { value: [] as readonly FaultRecord[] }
  const streams = createStreams({
    picture,
    clock,
    isReadOnly: false,
    faults: { kinds: [], records: () => records.value },
    byHand: () => undefined,
  })
  return { time, picture, streams, records }
}

it('sends the whole picture first and then what changed, all of a beat in one frame', () => {
  const { picture, streams } = someStreams()
  const { frames, asResponse } = aBrowser()
  picture.seeItem(accepted(1))
  streams.open(asResponse, 'r1')
  expect([frames[0]?.whole?.isReadOnly, frames[0]?.routers?.length, frames[0]?.detail?.id]).toEqual([false, 1, 'r1'])
  streams.beat()
  expect(frames).toHaveLength(1)
  picture.seeItem(started(2))
  picture.seeItem(accepted(3))
  streams.beat()
  expect(frames).toHaveLength(2)
  expect([frames[1]?.whole, frames[1]?.routers?.length, frames[1]?.events?.length]).toEqual([undefined, 1, 2])
})

it('keeps nothing for a browser that is slow, and tells it later all that came of it', () => {
  const { time, picture, streams } = someStreams()
  const { frames, response, asResponse } = aBrowser()
  streams.open(asResponse, undefined)
  response.writableNeedDrain = true
  for (let seq = 1; seq <= 1000; seq++) {
    picture.seeItem(accepted(seq))
    streams.beat()
  }
  expect(frames).toHaveLength(1)
  response.writableNeedDrain = false
  streams.beat()
  expect([frames.length, frames[1]?.events?.length, frames[1]?.routers?.length]).toEqual([2, 1000, 1])
  response.writableNeedDrain = true
  time.now = 60_001
  streams.beat()
  expect([response.isDestroyed, streams.size]).toEqual([true, 0])
})

it('says that it is there when nothing happens', () => {
  const { time, streams } = someStreams()
  const { frames, asResponse } = aBrowser()
  streams.open(asResponse, undefined)
  time.now = 4999
  streams.beat()
  expect(frames).toHaveLength(1)
  time.now = 5000
  streams.beat()
  expect(frames[1]).toEqual({ now: 5000 })
})

it('sends the detail of the router that is looked at, from the moment that it is', () => {
  const { picture, streams } = someStreams()
  const { frames, asResponse } = aBrowser()
  picture.seeItem(accepted(1))
  streams.open(asResponse, undefined)
  const id = frames[0]?.whole?.stream ?? ''
  expect(frames[0]?.detail).toBeUndefined()
  expect([streams.look(id, 'r1'), streams.look('another', 'r1')]).toEqual([true, false])
  expect(frames[1]?.detail?.devices).toHaveLength(1)
  streams.look(id, undefined)
  picture.seeItem(started(2))
  streams.beat()
  expect(frames.at(-1)?.detail).toBeUndefined()
})

it('has the browser begin anew when a router is retired', () => {
  const { picture, streams } = someStreams()
  const { frames, asResponse } = aBrowser()
  picture.seeItem(accepted(1))
  streams.open(asResponse, undefined)
  picture.keepOnly(new Set())
  picture.keepOnly(new Set())
  streams.beat()
  expect([frames[1]?.whole !== undefined, frames[1]?.routers]).toEqual([true, undefined])
})

it('sends the faults of the simulation when any of them changed', () => {
  const { streams, records } = someStreams()
  const { frames, asResponse } = aBrowser()
  const fault = {
    number: 1,
    id: 'f',
    name: 'fault',
    target: 'router',
    routerId: 'r1',
    at: 0,
    did: 'x',
    reactions: [],
  } as const
  records.value = [fault]
  streams.open(asResponse, undefined)
  streams.beat()
  records.value = [{ ...fault, healed: { at: 1, did: 'y' } }]
  streams.beat()
  expect(frames.map(({ faults }) => faults?.[0]?.healed?.did)).toEqual([undefined, 'y'])
})

it('takes no more browsers than it can serve', () => {
  const { streams } = someStreams()
  const taken = Array.from({ length: 65 }, () => streams.open(aBrowser().asResponse, undefined))
  expect(taken.filter(Boolean)).toHaveLength(64)
})
