// `page`: the fleet in a browser, until it is ended.
import { setTimeout as sleepFor } from 'node:timers/promises'
import { FleetError } from '../client/index.ts'
import type { ListenAddress } from '../metrics/address.ts'
import { isLoopback } from '../page/server/admission.ts'
import { runPage } from '../page/server/page.ts'
import { type Context, withFleet } from './context.ts'
import { done, type ExitCode } from './exit-codes.ts'
import { withHistory } from './with-history.ts'

export interface PageArguments {
  listen: ListenAddress
  from: string
  /** A history: it is shown first, and events go on behind it. */
  database?: string
  readOnly?: true
  token?: string
  name?: string[]
  /** Where the built page is. */
  folder: string
}

// A service may be started before its broker.
const patience = 60_000

export async function page(context: Context, given: PageArguments): Promise<ExitCode> {
  const { terminal, end: signal, options } = context
  const { listen: address, from, database, readOnly: isReadOnly = false, token, name, folder } = given
  return withFleet(
    context,
    async (fleet) => {
      await runPage(fleet, {
        ...{ address, folder, isReadOnly, from, signal, token },
        actsBeyondThisMachine: !options.url.split(',').every((url) => isLoopback(hostOf(url))),
        ...(name && { names: name }),
        ...(database !== undefined && { past: (events) => pastIn(database, events, context) }),
        onListening: (url) => terminal.say(`the page is at ${url}`),
        onAct: (what) => terminal.say(what),
      }).catch((cause) => {
        if (cause instanceof RangeError) throw new FleetError('invalid-argument', cause.message, cause)
        if (cause?.code !== 'EADDRINUSE' && cause?.code !== 'EADDRNOTAVAIL' && cause?.code !== 'EACCES') throw cause
        const where = `${address.host}:${address.port}`
        throw new FleetError('invalid-argument', `--listen: ${where} cannot be had: ${cause.code}`, cause)
      })
      return done
    },
    { within: patience },
  )
}

/** The sink makes the history, and may be started a moment later. */
async function pastIn(database: string, events: number, { terminal, end: signal }: Context) {
  for (const giveUpAt = performance.now() + patience; ; ) {
    try {
      return await withHistory(database, (history) => history.past(events))
    } catch (error) {
      if (!(error instanceof FleetError) || error.code !== 'store-failure' || performance.now() > giveUpAt) throw error
      terminal.complain(`${error.message}; tried again`)
      await sleepFor(5000, undefined, { signal })
    }
  }
}

function hostOf(url: string): string {
  try {
    return new URL(url).hostname.replace(/^\[|\]$/g, '')
  } catch {
    return ''
  }
}
