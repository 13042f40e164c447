// A router's events as its journal holds them: the truth that those who watch a fleet are compared with.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventsOf, journalFileOf, soundDecisions } from '../../agent/journal/files.ts'
import type { Event } from '../../protocol/index.ts'

/** In order; of an agent that writes on, what stands there now. */
export function eventsOnDisk(stateDir: string): Event[] {
  const names = existsSync(stateDir) ? readdirSync(stateDir).sort() : []
  const files = names.flatMap((name) => journalFileOf({ name, bytes: 0 }))
  return files.flatMap(({ name }) =>
    soundDecisions(name, readFileSync(join(stateDir, name))).flatMap(({ decision }) => eventsOf(decision)),
  )
}

/** The fields that are the same in the journal and in the message: prices are added to a refusal when it is published. */
export function comparable(event: object): object {
  const { historical: _, metric, stepSize, prices, ...rest } = event as Record<string, unknown>
  return rest.type === 'purchase.rejected' ? rest : { ...rest, metric, stepSize, prices }
}
