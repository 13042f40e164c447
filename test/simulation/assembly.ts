// The parts of a simulation, put together: the world that a script is played in, and everybody who watches it.
import type { Event } from '../../protocol/index.ts'
import { createAudience } from './audience.ts'
import { createBroker, type Delivery } from './broker.ts'
import { createDice } from './dice.ts'
import { eventsIn, isCheckpoint, isJournal } from './disk-reading.ts'
import { createFaultyDisk } from './faulty-disk.ts'
import { createGateWatch } from './gate-watch.ts'
import { createGuardedKernel } from './guarded-kernel.ts'
import { createLedger } from './ledger.ts'
import { createMachine } from './machine.ts'
import { offerOf } from './offer.ts'
import type { PortalLine } from './portal-line.ts'
import { createRouter } from './router.ts'
import type { Script } from './script.ts'
import { createSite } from './site.ts'
import { createStage } from './stage.ts'
import { timingOf } from './timing.ts'
import type { VirtualTime } from './virtual-time.ts'

// While it takes as long, gates wait for it, for five seconds at most.
const slowDisks: ReadonlySet<string | undefined> = new Set(['slow', 'hang'])

/** `violate` is told of every broken promise. */
export function assemble(script: Script, time: VirtualTime, violate: (what: string) => void) {
  const { settings } = script
  const dice = createDice(script.seed)
  const machine = createMachine(time, settings.clockSynced)
  const now = () => time.now
  const timing = timingOf(script)
  const { flavour, hasNeighbours = true } = settings
  const kernel = createGuardedKernel({
    ...{ script, time, machine, timing, violate },
    others: () => ({ site, ledger, isUp: router.isUp, isSilent: isSilent() }),
  })
  const ofAll = { flavour, hasNeighbours, devices: script.devices, timing, dice, now, wall: machine.wall }
  const site = createSite({ ...ofAll, ...kernel.ofSite })
  const ledger = createLedger(site, now, violate, kernel.ended)
  const audience = createAudience(ledger, now, violate)
  const disk = createFaultyDisk(dice)
  const line: PortalLine = { fault: undefined, busyUntil: 0 }
  let diskTook = true
  // From the damage on nobody can say what must follow: the epilogue has promises of its own.
  let isDamaged = false
  const heard: Event[] = []
  const broker = createBroker(now, dice, {
    published(channel, text) {
      if (!isDamaged) return audience.published(channel, text)
      if (channel === 'usage') heard.push(JSON.parse(text))
    },
    confirmed: (channel, text) => channel === 'usage' && !isDamaged && audience.confirmed(text),
    acknowledged,
    lostConnection: audience.lostConnection,
  })
  const router = createRouter({
    ...{ time, machine, site, line, disk, broker, settings, dice, violate, kernel },
    lifeBegins() {
      if (isDamaged) return
      for (const [name, bytes] of [...disk.files].sort()) if (isJournal(name)) eventsIn(bytes).forEach(ledger.record)
      audience.newLife()
      ledger.newLife()
    },
    troubled,
    lifeEnds() {
      site.died(diskTook)
      diskTook = true
      troubled()
    },
  })

  disk.watch({
    begins(name) {
      if (disk.fault) diskTook = false
      if (isCheckpoint(name)) audience.checkpointBegins(now())
    },
    durable(name, bytes) {
      if (isDamaged) return
      if (isJournal(name)) return eventsIn(bytes).forEach(ledger.record)
      if (!isCheckpoint(name)) return
      audience.checkpointDurable()
      site.saved()
    },
  })

  function acknowledged({ channel, payload }: Delivery) {
    if (isDamaged) return
    const text = new TextDecoder().decode(payload)
    if (channel === 'command') {
      const { mac, from } = JSON.parse(text)
      for (const named of [mac, from]) ledger.ordered(named)
      return
    }
    const offer = offerIn(text)
    if (!offer || ledger.outcomes.has(offer.purchaseId)) return
    // A purchase that is acknowledged beyond the window was answered: the backend sends it again.
    if (broker.keepsAll) time.after(10_000, () => broker.send('purchase', payload))
    else violate(`acknowledged, and not on disk: ${text}`)
  }

  const isSilent = () => line.fault !== undefined || !site.portal.running
  const isBlind = () => !router.isUp || slowDisks.has(disk.fault)

  function troubled(): void {
    kernel.troubled()
    const isMute = line.fault === 'hang' || (line.fault === 'busy' && settings.flavour === 'nodogsplash')
    site.trouble({ silent: isSilent(), mute: isMute, blind: isBlind() })
  }

  const isExpected = (mac: string) => broker.queue.some((delivery) => isPurchaseFor(mac, delivery))
  return {
    ...{ time, script, dice, site, ledger, audience, disk, broker, router, heard },
    watch: createGateWatch(site, ledger, now, timing, isExpected, violate),
    stage: createStage({ time, machine, site, line, disk, broker, router, ledger, guard: kernel.line, troubled }),
    isTroubled: () => isDamaged || isSilent() || isBlind(),
    /** The epilogue begins, in which files are damaged. */
    damageBegins() {
      isDamaged = true
    },
  }
}

function offerIn(text: string) {
  try {
    return offerOf(JSON.parse(text))
  } catch {
    return undefined
  }
}

// A purchase on its way may open a gate at any moment, however its MAC is spelt.
function isPurchaseFor(mac: string, { channel, payload }: Delivery): boolean {
  if (channel !== 'purchase') return false
  const found = /"mac":"([^"]*)"/.exec(new TextDecoder().decode(payload))?.[1]
  return found?.toLowerCase().replaceAll('-', ':') === mac
}
