// Proves that a disk that refuses is visible and survived by the real agent: nothing is sold and nothing acknowledged, open
// gates still shut on time, and what waited is sold once as soon as the disk takes writes again.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { aedes, mosquitto, type TestBroker } from '../support/brokers/brokers.ts'
import { type FullDisk, fullFileSystem, limitedFiles, type OpenDisk } from '../support/processes/full-disks.ts'
import { ip, mac, openRouter, type Router } from '../support/processes/watched-router.ts'
import { until } from '../support/until.ts'
import { type Ear, listen, liveOf, ofType, type Voice } from './ear.ts'
import { wrongNumbers } from './verdict.ts'

const allotment = 1_000_000
const phone = mac(1)
const patience = 30_000

const onDisk = ({ name, missing, open }: FullDisk) =>
  describe.skipIf(missing)(missing ? `${name}, skipped: ${missing}` : name, () => {
    let broker: TestBroker
    let ear: Ear
    let disk: OpenDisk
    let router: Router
    let voice: Voice
    beforeEach(async () => {
      broker = await (mosquitto.missing ? aedes : mosquitto).open()
      ear = await listen(broker.url)
      disk = open()
      router = await openRouter({ url: broker.url, env: disk.env })
      voice = ear.of(router.id)
      router.browse(phone, ip(1))
      await router.start()
      await router.publish({ purchaseId: 'p1', mac: phone, metric: 'bytes', allotment })
      await router.hears('session.started')
      disk.fill(router.pid() ?? 0)
    })
    afterEach(async () => {
      await router.close()
      disk.close()
      await ear.close()
      await broker.close()
    })

    const refusals = () => voice.answers.filter((answer) => answer.type === 'purchase.rejected')
    const accepted = () => ofType(voice, 'purchase.accepted').map((event) => event.purchaseId)
    const state = () => liveOf(voice).at(-1)

    /** The last page of a file may still have room; says which purchase had none. */
    async function buyUntilRefused(): Promise<string> {
      for (let number = 2; number < 20; number++) {
        const purchaseId = `p${number}`
        await router.publish({ purchaseId, mac: mac(number), metric: 'bytes', allotment })
        await until(() => refusals().length > 0 || accepted().includes(purchaseId))
        if (refusals().length > 0) return purchaseId
      }
      throw new Error('the disk is not full')
    }

    it('refuses, says so, shuts the gate in time, and heals by itself', { timeout: 60_000 }, async () => {
      const refused = await buyUntilRefused()
      await until(() => state()?.state === 'degraded')
      const warnings = state()?.warnings
      const soldBefore = accepted()
      router.portal.transfer(phone, { downloaded: allotment, uploaded: 0 })
      await until(() => !router.portal.gateOpen(phone))
      const toldBefore = ofType(voice, 'session.ended').length
      disk.free(router.pid() ?? 0)
      await until(() => accepted().includes(refused), patience)
      await until(() => ofType(voice, 'session.ended').length > 0, patience)
      await until(() => state()?.state === 'online', patience)

      expect(refusals()[0]).toMatchObject({ purchaseId: refused, code: 'storage-failure', final: false })
      expect(warnings?.[0]).toMatch(new RegExp(disk.says, 'i'))
      expect(soldBefore).not.toContain(refused)
      expect(toldBefore).toBe(0)
      expect(accepted()).toEqual([...soldBefore, refused])
      expect(ofType(voice, 'session.ended')).toMatchObject([{ mac: phone, used: { bytes: allotment } }])
      expect(state()?.warnings.filter((warning) => /disk|refuse/.test(warning))).toEqual([])
      expect(state()).toMatchObject({ conservation: { bytes: { difference: 0 } } })
      expect(wrongNumbers(voice)).toEqual([])
    })

    it('answers commands and stays connected while purchases wait', { timeout: 60_000 }, async () => {
      await buyUntilRefused()
      await until(() => state()?.state === 'degraded')
      for (let number = 20; number < 50; number++) {
        await router.publish({ purchaseId: `p${number}`, mac: mac(number), metric: 'bytes', allotment })
      }
      const asked = performance.now()
      const reply = await router.command({ command: 'session', mac: phone })
      const took = performance.now() - asked
      await until(() => refusals().length >= 31)
      const states = voice.statuses.map((status) => status.state)
      disk.free(router.pid() ?? 0)
      await until(() => state()?.state === 'online', patience)
      await until(() => accepted().some((purchaseId) => purchaseId === 'p26'), patience)

      expect(reply).toMatchObject({ status: 'ok' })
      expect(took).toBeLessThan(2000)
      expect(states).not.toContain('offline')
      expect(refusals().every((answer) => answer.type === 'purchase.rejected' && !answer.final)).toBe(true)
      // One was refused before the thirty: of these seven stay at the broker, the others are to be sent again.
      expect(accepted().filter((purchaseId) => Number(purchaseId.slice(1)) >= 20)).toHaveLength(7)
    })

    it('loses nothing when it is killed while the disk is full', { timeout: 60_000 }, async () => {
      const refused = await buyUntilRefused()
      await router.kill()
      disk.free(router.pid() ?? 0)
      await router.start()
      await until(() => accepted().includes(refused), patience)
      router.portal.transfer(phone, { downloaded: allotment, uploaded: 0 })
      await until(() => ofType(voice, 'session.ended').length > 0, patience)

      expect(new Set(accepted()).size).toBe(accepted().length)
      expect(liveOf(voice).flatMap((status) => status.warnings.filter((text) => /damaged|lacks/.test(text)))).toEqual(
        [],
      )
      expect(wrongNumbers(voice)).toEqual([])
    })
  })

onDisk(limitedFiles)
onDisk(fullFileSystem)
