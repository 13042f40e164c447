// The commands that ask one router something, or have it do something: `sessions` to `send`.
import prettyMilliseconds from 'pretty-ms'
import type { CommandResult, Fleet } from '../client/index.ts'
import { AnyMac, type Session } from '../protocol/index.ts'
import { type Context, withFleet } from './context.ts'
import { describeAmounts, describeEvent } from './describe.ts'
import { done, type ExitCode, noAnswer, refused } from './exit-codes.ts'
import { columnsOf, type Terminal } from './terminal.ts'

type Result<T> = Pick<CommandResult<never>, 'transaction'> &
  ({ status: 'ok'; data: T } | { status: 'error'; code: string; message: string } | { status: 'unknown' })

export function sessions(context: Context, routerId: string): Promise<ExitCode> {
  return asking(
    context,
    routerId,
    (fleet) => fleet.query(routerId, { command: 'sessions' }),
    (data, terminal) => {
      for (const line of tableOf(data.sessions, terminal.width)) terminal.say(line)
      if (data.sessions.length === 0) terminal.say('no sessions')
    },
  )
}

export function session(context: Context, routerId: string, device: string): Promise<ExitCode> {
  const question = { command: 'session', ...whichOf(device) } as const
  return asking(
    context,
    routerId,
    (fleet) => fleet.query(routerId, question),
    (data, terminal) => {
      for (const line of tableOf([data], terminal.width)) terminal.say(line)
    },
  )
}

export function act(
  context: Context,
  routerId: string,
  command: 'session.end' | 'session.pause' | 'session.resume',
  device: string,
): Promise<ExitCode> {
  return asking<object>(
    context,
    routerId,
    (fleet) => fleet.command(routerId, { command, ...whichOf(device) }),
    tellWhatWasDone,
  )
}

export function move(context: Context, routerId: string, from: string, to: string): Promise<ExitCode> {
  return asking<object>(
    context,
    routerId,
    (fleet) => fleet.command(routerId, { command: 'session.move', from, to }),
    tellWhatWasDone,
  )
}

/** Any command, as its JSON, also one that this program has no word for. */
export function send(context: Context, routerId: string, message: { command: string }): Promise<ExitCode> {
  // The router says what is wrong with it.
  const command = message as unknown as { command: 'sessions' }
  return asking<object>(
    context,
    routerId,
    (fleet) => fleet.command(routerId, command),
    (data, terminal) => {
      terminal.say(JSON.stringify(data, undefined, 2))
    },
  )
}

/** The story of a purchase; without a router everyone that is there is asked. */
export async function explain(context: Context, purchaseId: string, routerId?: string): Promise<ExitCode> {
  const { terminal } = context
  return withFleet(context, async (fleet) => {
    const ids = routerId === undefined ? await idsOf(fleet) : [routerId]
    const answers = await Promise.all(
      ids.map(async (id) => ({
        id,
        result: await fleet.query(id, { command: 'purchase.explain', purchaseId }, { within: 5000 }),
      })),
    )
    const known = answers.flatMap(({ id, result }) => (result.status === 'ok' ? [{ id, story: result.data }] : []))
    for (const { id, story } of known) {
      terminal.json({ routerId: id, ...story })
      terminal.say(terminal.paint('bold', `${story.purchaseId} at ${id}`))
      for (const { at, text } of story.story) terminal.say(`${at}  ${text}`)
      if (!story.complete) terminal.say(terminal.paint('yellow', 'its beginning is no longer in the journal'))
      if (!story.ended) terminal.say(terminal.paint('dim', 'it goes on'))
    }
    if (known.length > 0) return done
    const silent = answers.filter(({ result }) => result.status === 'unknown').map(({ id }) => id)
    terminal.complain(
      `no router that answers knows ${purchaseId}${silent.length > 0 ? `; no answer from ${silent.join(', ')}` : ''}`,
    )
    return silent.length > 0 || ids.length === 0 ? noAnswer : refused
  })
}

async function idsOf(fleet: Fleet): Promise<string[]> {
  const routers = await fleet.routers()
  return routers.filter(({ state }) => state !== 'offline').map(({ routerId }) => routerId)
}

async function asking<T>(
  context: Context,
  routerId: string,
  ask: (fleet: Fleet) => Promise<Result<T>>,
  tell: (data: T, terminal: Terminal) => void,
): Promise<ExitCode> {
  const { terminal } = context
  const result = await withFleet(context, ask)
  terminal.json(result)
  if (result.status === 'ok') {
    tell(result.data, terminal)
    return done
  }
  if (result.status === 'error') terminal.complain(`${routerId}: ${result.code}, ${result.message}`)
  else
    terminal.complain(
      `${routerId} does not answer: is it the right id, and is its agent connected? (tollgate-fleet ls)`,
    )
  return result.status === 'error' ? refused : noAnswer
}

function whichOf(device: string): { mac: string } | { sessionId: string } {
  return AnyMac.safeParse(device).success ? { mac: device } : { sessionId: device }
}

function tellWhatWasDone(data: object, terminal: Terminal): void {
  if ('type' in data) terminal.say(describeEvent(data as Parameters<typeof describeEvent>[0]))
  else if ('state' in data) for (const line of tableOf([data as Session], terminal.width)) terminal.say(line)
  else terminal.say('it had ended before')
}

function tableOf(all: readonly Session[], width: number): string[] {
  if (all.length === 0) return []
  const rows = all.map(({ mac, state, waitingFor, used, remaining, openMilliseconds, sessionId }) => [
    mac,
    waitingFor === undefined ? state : `${state} for ${waitingFor}`,
    describeAmounts(used),
    describeAmounts(remaining),
    prettyMilliseconds(openMilliseconds, { compact: true }),
    sessionId,
  ])
  return columnsOf([['DEVICE', 'STATE', 'USED', 'LEFT', 'OPEN', 'SESSION'], ...rows], width)
}
