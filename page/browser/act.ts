// The acts of people on sessions, and what came of each in one sentence.
import { newId, post } from './api.ts'
import { say } from './dialogs.ts'

type Command =
  | { command: 'session.pause' | 'session.resume' | 'session.end'; sessionId: string }
  | { command: 'session.move'; from: string; to: string }

type Result = { status: 'ok' } | { status: 'error'; code: string; message: string } | { status: 'unknown' }

/** Whether it was done. Pressed twice, it is done twice; a lost answer is asked for again by the server itself. */
export async function act(router: string, command: Command, done: string): Promise<boolean> {
  say(`${router}: asked …`)
  const answer = await post<Result>('act', { router, transaction: newId(), ...command })
  if ('problem' in answer) say(answer.problem, true)
  else if (answer.body.status === 'ok') say(`${router}: ${done}`)
  else if (answer.body.status === 'error') say(`${router}: ${answer.body.code}, ${answer.body.message}`, true)
  else say(`${router} does not answer: whether it was done shows when it is back`, true)
  return 'body' in answer && answer.body.status === 'ok'
}
