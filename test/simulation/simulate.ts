// Plays one script with the production agent, and watches every promise while it does.
import type { Event } from '../../protocol/index.ts'
import { createAudience } from './audience.ts'
import { createBroker, type Delivery } from './broker.ts'
import { lifeAfterDamage } from './damaged.ts'
import { createDice } from './dice.ts'
import { eventsIn, isCheckpoint, isJournal } from './disk-reading.ts'
import { createFaultyDisk } from './faulty-disk.ts'
import { unsettled } from './final-check.ts'
import { createGateWatch } from './gate-watch.ts'
import { createLedger } from './ledger.ts'
import { createMachine } from './machine.ts'
import { offerOf } from './offer.ts'
import type { PortalLine } from './portal-line.ts'
import { createRouter } from './router.ts'
import type { Script } from './script.ts'
import { createSite } from './site.ts'
import { createStage } from './stage.ts'
import { timingOf } from './timing.ts'
import { createVirtualTime } from './virtual-time.ts'

export interface Played {
  /** The first promise that was broken, and when. */
  violation?: string
  milliseconds: number
  events: number
  purchases: number
}

// While it takes as long, gates wait for it, for five seconds at most.
const slowDisks: ReadonlySet<string | undefined> = new Set(['slow', 'hang'])

/** `isTolerated`: broken promises that do not end it. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: it puts the parts of a simulation together.
export async function simulate(script: Script, isTolerated = (_what: string) => false): Promise<Played> {
  const { settings } = script
  const time = createVirtualTime()
  const dice = createDice(script.seed)
  const machine = createMachine(time, settings.clockSynced)
  let violation: string | undefined
  const now = () => time.now
  const violate = (what: string) => {
    if (isTolerated(what)) return
    violation ??= `at ${time.now} ms: ${what}`
  }

  const timing = timingOf(script)
  const site = createSite({
    ...{
      flavour: settings.flavour,
      hasNeighbours: settings.hasNeighbours !== false,
      devices: script.devices,
      timing,
      dice,
      now,
    },
    wall: machine.wall,
  })
  const ledger = createLedger(site, now, violate)
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
    ...{ time, machine, site, line, disk, broker, settings, dice, violate },
    lifeBegins() {
      if (isDamaged) return
      for (const [name, bytes] of [...disk.files].sort()) if (isJournal(name)) eventsIn(bytes).forEach(ledger.record)
      audience.newLife()
      ledger.newLife()
    },
    troubled: () => troubled(),
    lifeEnds() {
      site.died(diskTook)
      diskTook = true
      troubled()
    },
  })

  disk.watch({
    begins(name) {
      if (disk.fault) diskTook = false
      if (!isCheckpoint(name)) return
      audience.checkpointBegins(now())
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
    const offer = messageOf(text)
    if (!offer || ledger.outcomes.has(offer.purchaseId)) return
    // A purchase that is acknowledged beyond the window was answered: the backend sends it again.
    if (broker.keepsAll) time.after(10_000, () => broker.send('purchase', payload))
    else violate(`acknowledged, and not on disk: ${text}`)
  }

  const isExpected = (mac: string) =>
    broker.queue.some(({ channel, payload }) => {
      return channel === 'purchase' && macIn(new TextDecoder().decode(payload)) === mac
    })
  const watch = createGateWatch(site, ledger, now, timing, isExpected, violate)
  const stage = createStage({ time, machine, site, line, disk, broker, router, ledger, troubled })
  const isSilent = () => line.fault !== undefined || !site.portal.running
  const isBlind = () => !router.isUp || slowDisks.has(disk.fault)
  const isTroubled = () => isDamaged || isSilent() || isBlind()

  function troubled(): void {
    const isMute = line.fault === 'hang' || (line.fault === 'busy' && settings.flavour === 'nodogsplash')
    site.trouble({ silent: isSilent(), mute: isMute, blind: isBlind() })
  }

  const tick = () => {
    if (isTroubled()) watch.disturb()
    else watch.check()
    time.after(settings.nearMilliseconds, tick)
  }
  const browse = () => {
    site.browse()
    time.after(settings.lookMilliseconds * 1.3, browse)
  }

  router.start()
  tick()
  browse()
  const isOver = () => violation !== undefined
  try {
    for (const action of script.actions) {
      await time.runUntil(action.at, isOver)
      if (isOver()) break
      stage.play(action)
    }
    await time.runUntil(script.milliseconds, isOver)
    if (!isOver()) stage.mendAll()
    // Booting takes up to a minute, coming back from a stop half of one, reconnecting 15 s; then everything has two looks.
    const latest = time.now + 105_000 + 3 * settings.lookMilliseconds + settings.usageMilliseconds
    let left: string[]
    do {
      await time.runUntil(time.now + settings.lookMilliseconds, isOver)
      site.touch()
      left = unsettled({ site, ledger, audience, broker, router })
    } while (left.length > 0 && time.now < latest && !isOver())
    if (left[0] !== undefined) violate(left[0])
    if (!isOver() && settings.isDamagedAtTheEnd) {
      isDamaged = true
      const [wrong] = await lifeAfterDamage({ time, script, dice, disk, broker, router, ledger, heard })
      if (wrong !== undefined) violate(wrong)
    }
  } catch (err) {
    violate(`the simulation broke: ${err instanceof Error ? err.stack : err}`)
  }
  const { outcomes, texts } = ledger
  const played = { milliseconds: time.now, events: texts.length, purchases: outcomes.size }
  return violation === undefined ? played : { violation, ...played }

  function messageOf(text: string) {
    try {
      return offerOf(JSON.parse(text))
    } catch {
      return undefined
    }
  }
}

// A purchase on its way may open a gate at any moment, however its MAC is spelt.
function macIn(text: string): string | undefined {
  const found = /"mac":"([^"]*)"/.exec(text)?.[1]
  return found?.toLowerCase().replaceAll('-', ':')
}
