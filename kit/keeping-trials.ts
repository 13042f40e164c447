// The trials of what a broker keeps: for a client that is away, and through the broker's own end.
import { setTimeout as sleepFor } from 'node:timers/promises'
import { type RawClient, rawClient } from './raw-client.ts'
import type { Finding, Room } from './trial.ts'
import { until } from './until.ts'

const lost = 20
// A broker may save what it holds every other second.
const settled = 3000

export async function sessions(room: Room): Promise<Finding> {
  const came = await awayFor(room, 'session', async (mouth) => mouth.publish(room.topic('session'), 'kept'))
  return {
    what: 'a session is kept for a client that is away',
    holds: came.length === 1,
    found: came.length === 1 ? 'its message waited' : 'its message was dropped',
    means: 'what is said to a router that is away is lost; a backend publishes until it is answered',
  }
}

export async function queue(room: Room, count: number): Promise<Finding> {
  const sent = Array.from({ length: count }, (_, index) => String(index))
  const came = await awayFor(room, 'queue', async (mouth) => {
    for (let from = 0; from < count; from += 200) {
      await Promise.all(sent.slice(from, from + 200).map((text) => mouth.publish(room.topic('queue'), text)))
    }
  })
  return {
    what: `${count} messages wait for a client that is away`,
    holds: came.length >= count,
    found: `${came.length} of ${count} waited`,
    means: 'what comes beyond is dropped although it was acknowledged; see max_queued_messages of Mosquitto',
  }
}

export async function outage(room: Room, how: string, act: (() => Promise<void>) | undefined): Promise<Finding> {
  const what = `${lost} messages and a retained one, ${settled / 1000} s old, outlive ${how}`
  const means = 'purchases and statuses that the broker held are gone; a backend publishes until it is answered'
  if (!act) return { what, found: 'not tried: say how (--restart, --kill)', means }
  const name = how.replaceAll(' ', '-')
  const asWhom = { clientId: room.id(name), clean: false }
  const before = await room.open(name, asWhom)
  await before.subscribe(room.topic(name))
  await before.leave()
  const mouth = await room.open('mouth')
  const sent = Array.from({ length: lost }, (_, index) => String(index))
  await Promise.all(sent.map((text) => mouth.publish(room.topic(name), text)))
  await mouth.publish(room.topic(`${name}-retained`), 'here', { retain: true })
  await mouth.leave()
  await sleepFor(settled)
  await act()
  await reached(room)
  const came = await comingBack(room, asWhom)
  const ear = await room.open('ear')
  await ear.subscribe(room.topic(`${name}-retained`))
  const isRetained = await until(() => ear.heard.length > 0, 1000)
  await ear.publish(room.topic(`${name}-retained`), '', { retain: true })
  await ear.leave()
  const found = `${came.length} of ${lost} came, the retained one ${isRetained ? 'too' : 'is gone'}`
  return { what, holds: came.length === lost && isRetained, found, means }
}

/** The messages that a client with a session of its own finds when it comes back. */
async function awayFor(room: Room, name: string, meanwhile: (mouth: RawClient) => Promise<void>): Promise<string[]> {
  const asWhom = { clientId: room.id(name), clean: false }
  const before = await room.open(name, asWhom)
  await before.subscribe(room.topic(name))
  await before.leave()
  const mouth = await room.open('mouth')
  await meanwhile(mouth)
  await mouth.leave()
  return comingBack(room, asWhom)
}

async function comingBack({ address, open }: Room, asWhom: { clientId: string; clean: boolean }): Promise<string[]> {
  const after = await rawClient(address, asWhom)
  for (let before = -1; before < after.heard.length; ) {
    before = after.heard.length
    await sleepFor(300)
  }
  await after.leave()
  // A clean session under that id clears the kept one away.
  await (await open('clean', { ...asWhom, clean: true })).leave()
  return after.heard.map(({ text }) => text)
}

/** A broker that was started a moment ago does not listen at once. */
async function reached({ open }: Room): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await (await open('first')).leave()
    } catch (error) {
      if (tries === 40) throw error
      await sleepFor(500)
    }
  }
}
