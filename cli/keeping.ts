// The commands that keep what the fleet says: `exporter`, `sink` and `csv`, in their words.
import { type Command, Option } from 'commander'
import { views } from '../monitor/history.ts'
import type { Bind, Shared } from './binding.ts'
import { exporter } from './exporter.ts'
import { from } from './from.ts'
import { listenAddress, oneOf, share } from './given.ts'
import { csv, sink } from './sink.ts'

export function addKeeping(program: Command, bind: Bind): void {
  program
    .command('exporter')
    .description('Answers /metrics about the whole fleet, for Prometheus, and /healthz.')
    .option('--listen <address>', 'where', listenAddress, { host: '127.0.0.1', port: 9465 })
    .addOption(from('now', 'counts events'))
    .action((options) => bind(exporter)(program.opts<Shared>(), options as never))
  const database = () =>
    new Option('--database <url>', 'PostgreSQL, such as postgres://tollgate@localhost/tollgate')
      .env('TOLLGATE_DATABASE')
      .makeOptionMandatory()
  program
    .command('sink')
    .description('Writes every event into PostgreSQL, once, until it is ended; goes on where it was.')
    .addOption(database())
    .option('--partition <index/of>', 'only its share of the routers, such as 0/2 beside another sink with 1/2', share)
    .action((options) => bind(sink)(program.opts<Shared>(), options as never))
  program
    .command('csv')
    .argument('<view>', views.join(', '), oneOf(views))
    .description('Prints a view of the history as CSV.')
    .addOption(database())
    .action((view, options) => bind(csv)(program.opts<Shared>(), ...([view, options] as never[])))
}
