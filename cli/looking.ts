// The commands that look: `ls`, `watch`, `sessions`, `session`, `explain` and `replay`, in their words.
import type { Command } from 'commander'
import { explain, session, sessions } from './ask.ts'
import type { Bind, Shared } from './binding.ts'
import { collect, wholeNumber } from './given.ts'
import { ls } from './ls.ts'
import { replay, watch } from './watch.ts'

export function addLooking(program: Command, bind: Bind): void {
  const shared = () => program.opts<Shared>()
  program
    .command('ls')
    .description('Lists the routers: state, when heard, sessions, sold, warnings.')
    .action(() => bind(ls)(shared()))
  program
    .command('watch')
    .description('Shows events as they happen.')
    .option('--from <where>', 'now, beginning, or a cursor of --json', 'now')
    .option('--router <id>', 'only this router; may be repeated', collect)
    .option('--type <type>', 'only events of this type; may be repeated', collect)
    .option('--count <n>', 'end after so many', wholeNumber)
    .action((options) => bind(watch)(shared(), options as never))
  program
    .command('sessions')
    .argument('<router>')
    .description('Shows the sessions of a router, by its own word.')
    .action((router) => bind(sessions)(shared(), router as never))
  program
    .command('session')
    .argument('<router>')
    .argument('<device>', 'its MAC address, or a session id')
    .description('Shows one session.')
    .action((router, device) => bind(session)(shared(), ...([router, device] as never[])))
  program
    .command('explain')
    .argument('<purchase>', 'its id')
    .option('--router <id>', 'ask only this one')
    .description('Tells the dated story of a purchase, from the journal of its router.')
    .action((purchase, { router }) => bind(explain)(shared(), ...([purchase, router] as never[])))
  program
    .command('replay')
    .argument('<router>')
    .option('--from <seq>', 'the first event', wholeNumber, 1)
    .option('--to <seq>', 'the last event; the newest without it', wholeNumber)
    .option('--epoch <epoch>', 'of this journal; the present one without it')
    .description("Shows a router's events again, from its journal.")
    .action((router, options) => bind(replay)(shared(), ...([router, options] as never[])))
}
