// Proves that the stand-in portal lets bytes pass at their rate while a gate is open, and says what had passed.
import { expect, it } from 'vitest'
import { createFlowingPortal, type GateMoved } from '../../bench/flowing-portal.ts'
import { aPortal } from '../support/a-portal.ts'
import { aMac, anIp } from '../support/builders.ts'

const phone = aMac(1)

function aFlow(bytesPerSecond: number) {
  const moves: GateMoved[] = []
  const time = { now: 0 }
  const flowing = createFlowingPortal(
    aPortal().portal,
    () => time.now,
    (move) => moves.push(move),
  )
  flowing.join(phone, anIp(1), bytesPerSecond)
  return { moves, time, ask: flowing.portal.serve }
}

it('counts what flowed until it is asked', async () => {
  const { time, ask } = aFlow(1_000_000)
  await ask(`auth ${phone}`)
  time.now = 2500
  expect(JSON.parse(await ask(`json ${phone}`))).toMatchObject({ downloaded: 2425, uploaded: 75 })
})

it('says when a gate moved, and what had passed', async () => {
  const { moves, time, ask } = aFlow(1_000_000)
  time.now = 1000
  await ask(`auth ${phone}`)
  time.now = 4000
  await ask(`deauth ${phone}`)
  expect(moves).toEqual([
    { mac: phone, is: 'open', at: 1000, passed: 0 },
    { mac: phone, is: 'shut', at: 4000, passed: 3_000_000 },
  ])
})

it('lets nothing pass while a gate is shut', async () => {
  const { time, ask } = aFlow(1_000_000)
  time.now = 1000
  expect(JSON.parse(await ask(`json ${phone}`))).toMatchObject({ downloaded: 0, uploaded: 0 })
})
