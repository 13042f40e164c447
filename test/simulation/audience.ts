// The audience: everybody who listens at the broker. Each event it hears must be on the router's disk, in order, without a
// gap, the same at every repetition, and repeated only for a reason.
import { Event, type Session, Status, type Usage } from '../../protocol/index.ts'
import { balancesIn } from './exact-sums.ts'
import type { Ledger } from './ledger.ts'
import type { Bounds } from './open-session.ts'

export interface Audience {
  /** The last event heard without a gap. */
  readonly heard: number
  readonly lastUsage: Usage | undefined
  published(channel: string, text: string): void
  /** The agent is told that the broker has it. */
  confirmed(text: string): void
  /** From now on what was heard before may be heard again. */
  lostConnection(): void
  /** Another life of the agent: its metering goes on from the last checkpoint. */
  newLife(): void
  /** A checkpoint is under way; then it is on disk, and with it the cursor as it was. */
  checkpointBegins(now: number): void
  checkpointDurable(): void
}

export function createAudience(ledger: Ledger, now: () => number, violate: (what: string) => void): Audience {
  let heard = 0
  let confirmed = 0
  let confirmedAt = 0
  let confirmedEarlier = 0
  let repeatable = 0
  let durableCursor = 0
  let checkpointCursor = 0
  let lastUsage: Usage | undefined
  const uses = new Map<string, number>()

  function usageChannel(text: string) {
    const message = JSON.parse(text) as { type: string; seq?: number }
    if (message.type === 'usage') return usage(message as Usage)
    if (message.seq === undefined) return unnumbered(text, message)
    const { seq } = message
    if (ledger.texts[seq - 1] !== storedOf(message)) return violate(`published, and not on disk like that: ${text}`)
    if (seq > heard + 1) return violate(`event ${seq} is heard after event ${heard}`)
    if (seq <= durableCursor) return violate(`event ${seq} is heard again, though its acknowledgement is on disk`)
    if (seq <= heard && seq > repeatable) return violate(`event ${seq} is heard again for no reason`)
    if (seq <= heard) return
    const valid = Event.safeParse(message)
    if (!valid.success) violate(`not as in the contract: ${valid.error.message} ${text}`)
    heard = seq
  }

  function unnumbered(text: string, message: object) {
    const valid = Event.safeParse(message)
    if (!valid.success) violate(`not as in the contract: ${valid.error.message} ${text}`)
    const { type, purchaseId, duplicate, final, ofSeq } = message as Record<string, unknown>
    if (type === 'purchase.accepted' && duplicate !== true) violate(`accepted without a number: ${text}`)
    if (duplicate !== true) return
    const first = JSON.parse(ledger.texts[Number(ofSeq) - 1] ?? '{}')
    if (!final || first.purchaseId !== purchaseId || first.type !== type)
      violate(`another answer than the first: ${text}`)
  }

  function usage(report: Usage) {
    lastUsage =
      report.part === 1 ? report : { ...report, sessions: [...(lastUsage?.sessions ?? []), ...report.sessions] }
    for (const session of report.sessions) {
      if (!addsUp(session)) violate(`used + remaining is not sold: ${JSON.stringify(session)}`)
      const open = ledger.sessions.get(session.mac)
      if (open?.sessionId !== session.sessionId) continue
      for (const offence of chargesBeyond(session, ledger.bounds(open))) violate(offence)
      const counted = session.downloaded + session.uploaded
      if (counted < (uses.get(session.sessionId) ?? 0)) violate(`a counter went back: ${JSON.stringify(session)}`)
      uses.set(session.sessionId, counted)
    }
  }

  return {
    get heard() {
      return heard
    },
    get lastUsage() {
      return lastUsage
    },
    published(channel, text) {
      if (channel === 'usage') usageChannel(text)
      if (channel !== 'status') return
      const status = Status.parse(JSON.parse(text))
      if (status.state === 'offline') return
      for (const [metric, balance] of Object.entries(balancesIn(text))) {
        const { sold = 0n, used = 0n, remaining = 0n, unused = 0n, difference, writtenOff = 0n } = balance
        if (difference !== 0n || sold !== used + remaining + unused + writtenOff)
          violate(`${metric} do not add up: ${text}`)
      }
    },
    lostConnection() {
      repeatable = heard
    },
    newLife() {
      repeatable = heard
      uses.clear()
      // Its cursor is the one on disk.
      confirmed = confirmedEarlier = durableCursor
    },
    confirmed(text) {
      const { seq, type } = JSON.parse(text) as { type: string; seq?: number }
      if (type === 'usage' || seq === undefined) return
      if (now() > confirmedAt) confirmedEarlier = confirmed
      confirmedAt = now()
      confirmed = Math.max(confirmed, seq)
    },
    checkpointBegins: (at) => {
      // The cursor moves by groups of 16 at most, and a group that was confirmed in part moves nothing.
      checkpointCursor = Math.max(0, (at > confirmedAt ? confirmed : confirmedEarlier) - 16)
    },
    checkpointDurable: () => {
      durableCursor = Math.max(durableCursor, checkpointCursor)
    },
  }
}

/** The event as it was stored: a refusal is published with what is sold here instead. */
function storedOf(message: { type: string }): string {
  if (message.type !== 'purchase.rejected') return JSON.stringify(message)
  const { metric: _m, stepSize: _s, prices: _p, ...stored } = message as Record<string, unknown>
  return JSON.stringify(stored)
}

function addsUp({ allotment, used, remaining }: Session): boolean {
  return (['bytes', 'milliseconds'] as const).every(
    (metric) => (allotment[metric] ?? 0) === (used[metric] ?? 0) + (remaining[metric] ?? 0),
  )
}

function chargesBeyond(session: Session, { bytes, milliseconds }: Bounds): string[] {
  const counted = Math.max(session.downloaded + session.uploaded, session.used.bytes ?? 0)
  const text = JSON.stringify(session)
  return [
    ...(counted > bytes.most ? [`more counted than passed (${bytes.most}): ${text}`] : []),
    ...((session.used.milliseconds ?? 0) > milliseconds.most
      ? [`charged while shut (open for ${milliseconds.most} ms): ${text}`]
      : []),
  ]
}
