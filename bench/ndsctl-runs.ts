// How often ndsctl runs for one look, against once for every session.
import type { Flavour } from '../broker-dev/portal/world.ts'
import type { Figure, Row } from './figure.ts'
import { openVirtualRouter } from './virtual-router.ts'

export const ndsctlRuns: Figure = {
  name: 'ndsctl-runs',
  about: 'runs of ndsctl for one look at all sessions, in virtual time',
  async measure() {
    const rows: Row[] = []
    for (const flavour of ['nodogsplash', 'opennds'] as const) {
      for (const sessions of [1, 10, 120]) rows.push(await rowOf(flavour, sessions))
    }
    return rows
  },
}

const allotment = 682_622_976

async function rowOf(flavour: Flavour, sessions: number): Promise<Row> {
  const { askedIn } = await openVirtualRouter({ flavour, sessions, allotment })
  const { runs, looks } = await askedIn(60_000)
  const perSession = { name: 'one for every session', value: sessions }
  const row: Row = { what: `${flavour}, ${sessions} open`, unit: 'runs', ours: runs / looks, against: perSession }
  return flavour === 'nodogsplash' ? { ...row, goal: { atMost: 1 / sessions } } : row
}
