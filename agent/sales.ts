// Sales: one message from the purchase topic becomes one answer; what counts is on disk before it is acknowledged.
import { parsePurchase, sentIdOf } from '../protocol/index.ts'
import { fingerprint } from './fingerprint.ts'
import type { Gates } from './gates.ts'
import { type Journal, StorageFailure } from './journal/journal.ts'
import type { Draft } from './merchant/event-draft.ts'
import type { PurchaseNote } from './merchant/journal-record.ts'
import {
  type KnownPurchase,
  purchaseSession,
  type ReadPurchase,
  rejection,
  type Sale,
  type Tariff,
} from './merchant/purchase-session.ts'
import type { RefusalLimit } from './merchant/refusal-limit.ts'
import { faultOfBooks } from './merchant/reporting.ts'
import { setDataBaseline } from './portal/baseline.ts'
import { entriesOf, type PortalClient } from './portal/portal-client.ts'
import type { Recorder, Turn } from './recorder.ts'
import { type Clock, nowOf } from './time/clock.ts'
import type { Now } from './time/moment.ts'
import type { Trust } from './trust/trust.ts'
import type { Incoming } from './uplink/uplink.ts'

interface Parts {
  clock: Clock
  journal: Journal
  recorder: Recorder
  tariff: Tariff
  refusals: RefusalLimit
  /** Whose signatures are asked for; without it purchases need none. */
  trust?: Pick<Trust, 'openPurchase'> | undefined
  newId: () => string
  gates: Pick<Gates, 'sight' | 'guard'>
  /** Says something that is not journalled: at once, to whoever listens now. */
  tell: (message: { type: string }) => void
}

/**
 * Takes a message from the purchase topic; resolves when it may be acknowledged, with whether a gate may have to move; rejects
 * with {@link StorageFailure} when the broker must keep it.
 */
export function createSales({ clock, journal, recorder, tariff, refusals, trust, newId, gates, tell }: Parts) {
  function answer(draft: Draft): false {
    tell(recorder.stamp(draft))
    return false
  }

  async function decide(turn: Turn, read: ReadPurchase, content: string, arrived: Now): Promise<boolean> {
    // The running time was last counted at a look: counted from there, a purchase that is to start soon would be late at once.
    journal.live(nowOf(clock))
    const fault = faultOfBooks(journal.books)
    if (fault) return answer(rejection(knownOf(read), 'storage-failure', fault))
    const sale = purchaseSession(journal.books, read, content, tariff, arrived, newId)
    if (sale.is === 'outcome') {
      const stop = stopOf(sale, arrived)
      if (stop !== undefined)
        return answer(rejection(knownOf(read), 'too-many-purchases', `${stop}; send it again later`))
      await turn.append([...(sale.ended ?? []), sale.event], { purchase: noteOf(sale, gates) })
      return sale.event.type === 'purchase.accepted' || sale.ended !== undefined
    }
    if (sale.is === 'answer') return answer(sale.event)
    if (!isStillToBeTold(sale.ofSeq, knownOf(read))) tell(await repetitionOf(sale.ofSeq, knownOf(read)))
    return false
  }

  // No event that the broker has not taken, and no id, gives way to another purchase; refusals give way to sales.
  function stopOf({ event }: Extract<Sale, { is: 'outcome' }>, { at }: Now): string | undefined {
    if (journal.salesStop !== undefined) return journal.salesStop
    if (event.type !== 'purchase.rejected') return undefined
    return journal.refusalsStop ?? (refusals.take(at) ? undefined : 'this router has refused too many purchases lately')
  }

  // An answer that is still on its way to the broker answers the repetition too, and is never overtaken by it.
  function isStillToBeTold(seq: number, { purchaseId = '' }: KnownPurchase): boolean {
    const { epoch, inherited, acknowledgedSeq, purchases } = journal.books
    const of = purchases.get(purchaseId)?.epoch
    if (of === undefined || of === epoch) return seq > acknowledgedSeq && seq >= journal.firstSeq
    return inherited.some((range) => range.epoch === of && seq >= range.fromSeq && seq <= range.toSeq)
  }

  // A retained message comes again at every start: it may be a repetition, and nothing else.
  function isKnown(read: ReadPurchase, content: string): boolean {
    const { purchaseId } = knownOf(read)
    return purchaseId !== undefined && journal.books.purchases.get(purchaseId)?.content === content
  }

  // The event itself while the journal has it; after that, what the books still know of it.
  async function repetitionOf(ofSeq: number, { purchaseId = '', mac, reference }: KnownPurchase) {
    const outcome = journal.books.purchases.get(purchaseId)
    const isPresent = outcome?.epoch === undefined || outcome.epoch === journal.books.epoch
    // Where the event cannot be read, the books know the answer all the same.
    const [event] = isPresent ? await journal.read(ofSeq, 1).then(({ events }) => events, nothingRead) : []
    if (event?.seq === ofSeq) {
      const { seq: _, ...first } = event
      return { ...first, duplicate: true, ofSeq }
    }
    const { answer, epoch: ofEpoch } = outcome ?? {}
    const again = {
      ...(!isPresent && { ofEpoch }),
      purchaseId,
      ...(reference !== undefined && { reference }),
      final: true,
      duplicate: true,
      ofSeq,
    }
    if (answer && 'code' in answer) {
      const refusal = rejection({ purchaseId, ...(mac && { mac }) }, answer.code, 'it was refused before')
      return recorder.stamp({ ...refusal, ...again })
    }
    return recorder.stamp({ type: 'purchase.accepted', ...answer, ...again })
  }

  return async function sell({ payload, bytes, retained }: Incoming): Promise<boolean> {
    const arrived = nowOf(clock)
    const signed = trust?.openPurchase?.({ payload, bytes })
    if (signed && 'fault' in signed) return answer(unauthorised(signed))
    const read = signed
      ? { ...parsePurchase(signed.payload), signedUntil: signed.until }
      : parsePurchase(payload, bytes)
    const content = fingerprint(read, tariff.metric)
    if (retained && !isKnown(read, content)) return answer(rejection(knownOf(read), 'invalid-message', noRetained))
    try {
      return await recorder.inTurn((turn) => decide(turn, read, content, arrived))
    } catch (err) {
      if (!(err instanceof StorageFailure)) throw err
      answer(rejection(knownOf(read), 'storage-failure', cannotStore))
      throw err
    }
  }
}

function noteOf({ event, purchase }: Extract<Sale, { is: 'outcome' }>, { sight, guard }: Parts['gates']): PurchaseNote {
  const { remembered } = sight
  const entries = 'mac' in event && event.mac !== undefined ? entriesOf(remembered?.clients, event.mac) : []
  // Counters that another device may have left are judged when the gate opens.
  const isPlain = ({ open, downloaded, uploaded }: PortalClient) => !open && downloaded + uploaded === 0
  const isShut = entries.length > 0 && entries.every(isPlain)
  return {
    ...purchase,
    ...(isShut && { baseline: setDataBaseline(entries) }),
    ...(guard.table && { isGuarded: true }),
  }
}

// Nobody who can be trusted has said this: its id is only named as it was sent, so that its sender recognises it.
function unauthorised({ fault, claimed }: { fault: string; claimed: object }) {
  const sentId = sentIdOf(claimed)
  return rejection(sentId === undefined ? {} : { sentId }, 'unauthorised', fault)
}

const cannotStore = 'this router cannot store a purchase at present: send it again later'
const noRetained =
  'a retained purchase is never applied, since it would come again at every start: publish it without retain'

function knownOf(read: ReadPurchase): KnownPurchase {
  return 'purchase' in read ? read.purchase : read.unreadable
}

function nothingRead(err: unknown): [] {
  if (!(err instanceof StorageFailure)) throw err
  return []
}
