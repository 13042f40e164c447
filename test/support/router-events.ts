// A router's events as its journal holds them, and as its agent's log has them: the truth that those who watch a fleet are compared with.
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

/** Those that the agent said were on its disk, also when they are pruned by now; a kill may take the last words. */
export function loggedEvents(logFile: string): Event[] {
  const lines = existsSync(logFile) ? readFileSync(logFile, 'utf8').split('\n') : []
  return lines
    .filter((line) => line.includes('"seq":'))
    .map((line) => {
      // An event's line is the event, with the log's own three fields.
      const { level: _level, time: _time, msg: _msg, ...event } = JSON.parse(line)
      return event
    })
    .filter(({ seq, type }) => typeof seq === 'number' && type !== undefined)
}

/** The fields that are the same in the journal and in the message: prices are added to a refusal when it is published. */
export function comparable(event: object): object {
  const { historical: _, metric, stepSize, prices, ...rest } = event as Record<string, unknown>
  return rest.type === 'purchase.rejected' ? rest : { ...rest, metric, stepSize, prices }
}
