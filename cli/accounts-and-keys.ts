// The commands that make secrets: `key` and `enrol`, in their words.
import { type Command, Option } from 'commander'
import { roles } from '../kit/access.ts'
import type { Bind, Shared } from './binding.ts'
import { enrol } from './enrol.ts'
import { keyName } from './given.ts'
import { key } from './key.ts'

export function addTrust(program: Command, bind: Bind): void {
  program
    .command('key')
    .description(
      'Makes a pair of keys: the private one signs purchases or commands, the public one is for the routers.',
    )
    .argument('<name>', 'the name of the key (kid), such as till-2026', keyName)
    .option('--out <folder>', 'where the two files go', '.')
    .action((kid, options) => bind(key)(program.opts<Shared>(), { kid, ...options } as never))
}

export function addAccounts(program: Command, bind: Bind): void {
  program
    .command('enrol')
    .description(
      'Makes an account at a Mosquitto or a NATS cluster: its password, its rights, and the files that its owner needs, with --ca the authority too.',
    )
    .argument('<name>', 'the id of a router, or a name for somebody else', keyName)
    .addOption(new Option('--role <role>', 'who it is').choices(roles).default('router'))
    .option('--certificate', 'it shows a certificate whose common name is its user name: no password is made')
    .option('--out <folder>', "where the brokers' files and a folder for each account are", '.')
    .action((name, options) => bind(enrol)(program.opts<Shared>(), { name, ...options } as never))
}
