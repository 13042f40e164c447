// `ls`: every router in a line, with what is wrong with it.
import prettyMilliseconds from 'pretty-ms'
import type { RouterView } from '../client/index.ts'
import { type Context, withFleet } from './context.ts'
import { describeAmounts } from './describe.ts'
import { done, type ExitCode, noAnswer } from './exit-codes.ts'
import { type Colour, columnsOf } from './terminal.ts'

export async function ls(context: Context): Promise<ExitCode> {
  const { terminal } = context
  const routers = await withFleet(context, (fleet) => fleet.routers())
  terminal.json(routers)
  if (routers.length === 0) {
    terminal.complain(`no router has told the broker of itself (--url ${context.options.url}, --prefix)`)
    return noAnswer
  }
  const rows = [['ROUTER', 'STATE', 'HEARD', 'SESSIONS', 'SOLD', 'WARNINGS'], ...routers.map(rowOf)]
  const [header = '', ...lines] = columnsOf(rows, terminal.width)
  terminal.say(terminal.paint('bold', header))
  for (const [index, line] of lines.entries()) terminal.say(terminal.paint(colourOf(routers[index]), line))
  return done
}

function rowOf({ routerId, state, heardAgoMilliseconds, status }: RouterView): string[] {
  const { open = 0, waiting = 0, paused = 0, closing = 0 } = status?.sessions ?? {}
  const { bytes, milliseconds } = status?.conservation ?? {}
  // A router whose disk cannot be read does not say.
  const sold = !bytes
    ? '?'
    : describeAmounts({
        ...(bytes && bytes.sold > 0 && { bytes: bytes.sold }),
        ...(milliseconds && milliseconds.sold > 0 && { milliseconds: milliseconds.sold }),
      })
  const others = [waiting && `${waiting} waiting`, paused && `${paused} paused`, closing && `${closing} closing`]
  const sessions = [`${open} open`, ...others.filter((one) => one !== 0)].join(', ')
  // A router that is off line says nothing new: the broker may have stored its status long ago.
  const heard =
    state === 'offline'
      ? `since ${status?.since ?? '?'}`
      : `${prettyMilliseconds(heardAgoMilliseconds, { compact: true })} ago`
  return [routerId, state, heard, sessions, sold, status?.warnings?.join('; ') ?? '']
}

function colourOf(router: RouterView | undefined): Colour {
  if (router?.state === 'online') return router.status?.warnings?.length ? 'yellow' : 'green'
  return router?.state === 'degraded' ? 'yellow' : 'red'
}
