// The epilogue of a simulated life: the power goes, a file of the state folder is damaged, and everybody asks again for what
// they have paid. Nothing that stands in a sound record is sold again, the books add up, and what is lost is said.
import type { Event, LiveStatus } from '../../protocol/index.ts'
import type { Broker } from './broker.ts'
import type { Dice } from './dice.ts'
import { eventsIn, isJournal } from './disk-reading.ts'
import type { FaultyDisk } from './faulty-disk.ts'
import type { Ledger } from './ledger.ts'
import type { Router } from './router.ts'
import type { Script } from './script.ts'
import type { VirtualTime } from './virtual-time.ts'

interface Parts {
  time: VirtualTime
  script: Script
  dice: Dice
  disk: FaultyDisk
  broker: Broker
  router: Router
  ledger: Ledger
  /** All that is published from now on. */
  heard: readonly Event[]
}

const second = 1000

/** Everything that is wrong afterwards. */
export async function lifeAfterDamage(parts: Parts): Promise<string[]> {
  const { dice, disk, broker, router, ledger, heard } = parts
  const names = [...disk.files.keys()].filter((name) => name.endsWith('.log')).sort()
  const journals = names.filter(isJournal)
  const name = dice.chance(0.7) ? dice.pick(journals) : dice.pick(names)
  const idsIn = (file: string) => eventsIn(disk.files.get(file) ?? new Uint8Array()).map((event) => idOf(event))
  const inIt = new Set(isJournal(name) ? idsIn(name) : [])
  // Of a purchase whose events were pruned the files of ids alone know.
  const elsewhere = new Set(journals.filter((file) => file !== name).flatMap(idsIn))
  const isInIt = (id: string | undefined) => (name.startsWith('purchases-') ? !elsewhere.has(id) : inIt.has(id))
  const how = dice.pick(['flip', 'flip', 'cut', 'lose', 'empty'] as const)
  router.reboot(10 * second)
  disk.damage(name, how)
  await untilQuiet(parts)
  const before = heard.length
  for (const action of parts.script.actions) {
    if (action.do === 'purchase' && typeof action.message === 'object')
      broker.send('purchase', Buffer.from(JSON.stringify(action.message)))
  }
  await untilQuiet(parts)

  const what = `${how} of ${name}`
  const found: string[] = []
  const status = JSON.parse(broker.retained ?? '{}') as LiveStatus
  if (!router.isUp || status.state === ('offline' as string)) return [`${what}: the agent is not there`]
  for (const metric of ['bytes', 'milliseconds'] as const) {
    const { difference } = status.conservation[metric]
    if (difference !== 0) found.push(`${what}: the books differ by ${difference} ${metric}`)
  }
  const soldAgain = heard.slice(before).filter((event) => {
    const first = ledger.outcomes.get(idOf(event) ?? '')
    return event.type === 'purchase.accepted' && event.duplicate !== true && first?.type === 'purchase.accepted'
  })
  const isLast = name === journals.at(-1)
  for (const event of soldAgain) {
    if (!isInIt(idOf(event))) found.push(`${what}: ${idOf(event)} stands in a sound file and was sold again`)
    // The end of the last file may be one that was never written.
    else if (!isLast && status.warnings.length === 0) found.push(`${what}: ${idOf(event)} was forgotten in silence`)
  }
  const isNumbered = new Map<string, string>()
  for (const event of heard) {
    if (event.seq === undefined) continue
    const [key, text] = [`${event.epoch} ${event.seq}`, sayingOf(event)]
    if ((isNumbered.get(key) ?? text) !== text) found.push(`${what}: two events are ${key}`)
    isNumbered.set(key, text)
    const old = event.epoch === epochOf(ledger) ? ledger.texts[event.seq - 1] : undefined
    if (old !== undefined && sayingOf(JSON.parse(old)) !== text && !isLast)
      found.push(`${what}: event ${key} is another one now`)
  }
  return found
}

/** Lets everything happen until the agent is back and has told all that it has to tell, for a minute and a half at most. */
async function untilQuiet({ time, broker, router, script }: Parts): Promise<void> {
  const latest = time.now + 90 * second
  const step = Math.max(15 * second, script.settings.nearMilliseconds)
  const isQuiet = () => {
    const { state, journal } = JSON.parse(broker.retained ?? '{}') as LiveStatus
    const isTold = journal !== undefined && journal.acknowledgedSeq === journal.lastSeq
    return router.isUp && state === 'online' && isTold && broker.queue.length === 0
  }
  do await time.runUntil(time.now + step, () => false)
  while (!isQuiet() && time.now < latest)
}

// A refusal is published with what is sold here instead.
const sayingOf = (event: Event): string => JSON.stringify([event.type, event.at, idOf(event)])
const idOf = (event: Event): string | undefined => ('purchaseId' in event ? event.purchaseId : undefined)
const epochOf = ({ texts }: Ledger): string => (JSON.parse(texts[0] ?? '{}') as Event).epoch
