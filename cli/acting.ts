// The commands that act on a session: `end`, `pause`, `resume`, `move` and `send`, in their words.
import type { Command } from 'commander'
import { act, move, send } from './ask.ts'
import type { Bind, Shared } from './binding.ts'
import { commandJson, macAddress } from './given.ts'

export function addActing(program: Command, bind: Bind): void {
  const shared = () => program.opts<Shared>()
  const acts = {
    end: { command: 'session.end', what: 'Ends a session; what is unused is told in its last event.' },
    pause: { command: 'session.pause', what: 'Shuts the gate of a session and keeps its rest.' },
    resume: { command: 'session.resume', what: 'Opens the gate of a paused session.' },
  } as const
  for (const [name, { command, what }] of Object.entries(acts)) {
    program
      .command(name)
      .argument('<router>')
      .argument('<device>', 'its MAC address, or a session id')
      .description(what)
      .action((router, device) => bind(act)(shared(), ...([router, command, device] as never[])))
  }
  program
    .command('move')
    .argument('<router>')
    .argument('<from>', 'the MAC address that has the session', macAddress)
    .argument('<to>', 'the MAC address that gets it', macAddress)
    .description('Gives a session to another device.')
    .action((router, from, to) => bind(move)(shared(), ...([router, from, to] as never[])))
  program
    .command('send')
    .argument('<router>')
    .argument('<json>', 'e.g. \'{"command":"config"}\'', commandJson)
    .description('Sends any command; the transaction is added.')
    .action((router, message) => bind(send)(shared(), ...([router, message] as never[])))
}
