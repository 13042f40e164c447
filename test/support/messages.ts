// Messages of a router, with only what matters to a case said aloud.
import { type Event, type EventOf, type LiveStatus, Mac, RouterId, type Session } from '../../protocol/index.ts'

export const r1 = RouterId.parse('r1')
export const aMac = Mac.parse('02:74:00:01:00:01')

const common = { version: 1, routerId: r1, epoch: 'e1', at: '2026-11-22T12:00:00.000Z', clockSynced: true } as const

export function aSession(parts: Partial<Session> = {}): Session {
  const allotment = parts.allotment ?? { bytes: 1000 }
  const used = parts.used ?? { bytes: 0 }
  return {
    sessionId: 's1',
    mac: aMac,
    state: 'open',
    startedAt: common.at,
    allotment,
    used,
    remaining: { bytes: (allotment.bytes ?? 0) - (used.bytes ?? 0) },
    downloaded: 0,
    uploaded: 0,
    openMilliseconds: 0,
    bytesPerSecond: 0,
    quality: 'measured',
    ...parts,
  }
}

export function accepted(seq: number, parts: Partial<EventOf<'purchase.accepted'>> = {}): EventOf<'purchase.accepted'> {
  return {
    ...common,
    type: 'purchase.accepted',
    seq,
    final: true,
    purchaseId: `p${seq}`,
    sessionId: 's1',
    mac: aMac,
    metric: 'bytes',
    allotment: 1000,
    session: aSession({ state: 'waiting', startedAt: null }),
    ...parts,
  }
}

export function rejected(parts: Partial<EventOf<'purchase.rejected'>> = {}): EventOf<'purchase.rejected'> {
  const priced = { metric: 'bytes', stepSize: 1000, prices: [{ unit: 'sat', pricePerStep: 1, minSteps: 1 }] } as const
  return {
    ...common,
    ...{ metric: priced.metric, stepSize: priced.stepSize, prices: [...priced.prices] },
    type: 'purchase.rejected',
    final: true,
    purchaseId: 'p1',
    code: 'below-minimum',
    message: 'too little',
    ...parts,
  }
}

export function started(seq: number): EventOf<'session.started'> {
  const session = aSession()
  return {
    ...common,
    type: 'session.started',
    seq,
    sessionId: 's1',
    mac: aMac,
    openedAfterMilliseconds: 312,
    session,
  }
}

export function ended(seq: number, parts: Partial<EventOf<'session.ended'>> = {}): EventOf<'session.ended'> {
  return {
    ...common,
    type: 'session.ended',
    seq,
    sessionId: 's1',
    mac: aMac,
    startedAt: common.at,
    reason: 'allotment-used',
    terminateCause: { name: 'Session-Timeout', number: 5 },
    purchases: [{ purchaseId: 'p1', metric: 'bytes', allotment: 1000, used: 1000, unused: 0 }],
    used: { bytes: 1000 },
    downloaded: 900,
    uploaded: 100,
    openMilliseconds: 5000,
    overshootBytes: 0,
    ...parts,
  }
}

export function drift(seq: number, parts: Partial<EventOf<'gate.drift'>> = {}): EventOf<'gate.drift'> {
  const repair = 'the gate is being opened again'
  return { ...common, type: 'gate.drift', seq, kind: 'paid-but-blocked', mac: aMac, sessionId: 's1', repair, ...parts }
}

export function agentStarted(seq: number): Event {
  return { ...common, type: 'agent.started', seq, agentVersion: '1', bootId: 'b', why: 'first-start' }
}

export function usage(afterSeq: number, sessions: Session[]) {
  return { ...common, type: 'usage', afterSeq, part: 1, parts: 1, sessions } as const
}

const none = { sold: 0, used: 0, remaining: 0, unused: 0, difference: 0 }

export function status(lastSeq: number, bytes: Partial<typeof none> = {}): LiveStatus {
  return {
    ...{ version: 1, routerId: r1, epoch: 'e1', agentVersion: '1', bootId: 'b' },
    state: 'online',
    since: common.at,
    clockSynced: true,
    portal: { kind: 'nodogsplash', version: '5.0.2', state: 'reachable' },
    sessions: { open: 0, waiting: 0, paused: 0, closing: 0 },
    journal: { firstSeq: 1, lastSeq, acknowledgedSeq: 0 },
    conservation: { bytes: { ...none, ...bytes }, milliseconds: none },
    flash: { writtenBytes: 0, bytesPerDay: null },
    skipped: [],
    guard: { kind: 'none', state: 'off', devices: 0, unguarded: { bothMetrics: 0, noAddress: 0 } },
    usageIntervalMilliseconds: 10_000,
    warnings: [],
  }
}
