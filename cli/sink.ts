// `sink` and `csv`: the fleet's history into PostgreSQL, and out of it.
import { setTimeout as sleepFor } from 'node:timers/promises'
import type { Partition } from '../client/index.ts'
import { csvLine } from '../monitor/csv.ts'
import type { View } from '../monitor/history.ts'
import { runSink } from '../monitor/sink.ts'
import { type Context, withFleet } from './context.ts'
import { done, type ExitCode } from './exit-codes.ts'
import { withHistory } from './with-history.ts'

export interface DatabaseOption {
  database: string
}
export type SinkArguments = DatabaseOption & { partition?: Partition }

// A service may be started before its broker.
const patience = 60_000

export async function sink(context: Context, { database, partition }: SinkArguments): Promise<ExitCode> {
  const { terminal, end: signal } = context
  return withHistory(database, async (history) => {
    await history.prepare()
    return withFleet(
      context,
      async (fleet) => {
        let events = 0
        terminal.say(
          `events ${partition ? `of share ${partition.index} of ${partition.of} ` : ''}go into the schema tollgate`,
        )
        await runSink(fleet, history, {
          signal,
          ...(partition && { partition }),
          sleep: (milliseconds, until) => sleepFor(milliseconds, undefined, { signal: until }).catch(() => {}),
          onWritten(more) {
            events += more
            terminal.json({ events })
          },
          onTrouble: ({ message }) => terminal.complain(`not written yet, tried again: ${message}`),
        })
        terminal.say(`${events} events written`)
        return done
      },
      { within: patience },
    )
  })
}

export async function csv({ terminal }: Context, view: View, { database }: DatabaseOption): Promise<ExitCode> {
  return withHistory(database, async (history) => {
    for await (const row of history.read(view)) await terminal.raw(csvLine(row))
    return done
  })
}
