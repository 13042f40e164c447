import { afterEach, describe, expect, it } from 'vitest'
import { buy } from '../../broker-dev/buy.ts'
import { accepted, aMac, aSession, ended, r1, rejected, started } from './builders.ts'
import { aBroker, fakeAgent } from './fake-agent.ts'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function bought(answers: Parameters<typeof fakeAgent>[1], { follow = false, patience = 15_000 } = {}) {
  const broker = await aBroker()
  const agent = await fakeAgent(broker.url, answers)
  ends.push(broker.close, agent.close)
  const lines: string[] = []
  const exitCode = await buy(
    { url: broker.url, routerId: r1, follow, purchase: { purchaseId: 'p1', mac: aMac, amount: 1, unit: 'sat' } },
    { print: (line) => lines.push(line), end: new AbortController().signal, outcomeWithinMilliseconds: patience },
  )
  return { exitCode, lines }
}

const first = 'r1: purchase p1 for 02:74:00:01:00:01'
const waiting = 'waiting for the gate: the device must be on the Wi-Fi and have seen its portal page (Ctrl-C leaves)'

describe('buying by hand', () => {
  it('tells of the purchase until the gate is open', async () => {
    const { exitCode, lines } = await bought(() => [accepted(1, { purchaseId: 'p1' }), started(2), ended(3)])
    expect(exitCode).toBe(0)
    expect(lines).toEqual([first, 'accepted: 1 kB in session s1', waiting, 'gate open 312 ms after the purchase'])
  })

  it('goes on to the end when asked to follow', async () => {
    const { lines } = await bought(() => [accepted(1, { purchaseId: 'p1' }), started(2), ended(3)], { follow: true })
    expect(lines.at(-1)).toBe('02:74:00:01:00:01 is offline: allotment-used, used 1 kB')
  })

  it('does not wait for a gate that is open already', async () => {
    const { exitCode, lines } = await bought(() => [accepted(1, { purchaseId: 'p1', session: aSession() })])
    expect(exitCode).toBe(0)
    expect(lines.at(-1)).toBe('the gate is open already; left are 1 kB')
  })

  it('tells why it was refused', async () => {
    const { exitCode, lines } = await bought(() => [rejected()])
    expect(exitCode).toBe(1)
    expect(lines.at(-1)).toBe('refused: below-minimum, too little')
  })

  it('says what to check when nobody answers', async () => {
    const { exitCode, lines } = await bought(() => [], { patience: 200 })
    expect(exitCode).toBe(3)
    expect(lines.at(-1)).toMatch(/^check the router id/)
  })

  it('says so when there is no broker', async () => {
    const broker = await aBroker()
    await broker.close()
    const lines: string[] = []
    const exitCode = await buy(
      {
        url: broker.url,
        routerId: r1,
        follow: false,
        purchase: { purchaseId: 'p1', mac: aMac, amount: 1, unit: 'sat' },
      },
      { print: (line) => lines.push(line), end: new AbortController().signal, outcomeWithinMilliseconds: 200 },
    )
    expect(exitCode).toBe(3)
    expect(lines).toEqual([`no connection to ${broker.url}: is the broker running there? (--url)`])
  })
})
