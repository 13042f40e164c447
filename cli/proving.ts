// The commands that prove something: `check` a backend and `doctor` a broker, in their words.
import type { Command } from 'commander'
import type { Bind, Shared } from './binding.ts'
import { check } from './check.ts'
import { doctor } from './doctor.ts'
import { wholeNumber } from './given.ts'

export function addProving(program: Command, bind: Bind): void {
  program
    .command('check')
    .description('Plays a nasty router against your backend, and says which rules of the contract it breaks.')
    .requiredOption('--backend <url>', 'where POST /buy and GET /orders/KEY are')
    .option('--junit <file>', 'write the result for a CI as well')
    .option('--within <seconds>', 'how long to wait for what must happen', wholeNumber, 15)
    .option('--quiet <seconds>', 'how long to watch for what must not happen', wholeNumber, 8)
    .option('--late <seconds>', 'how late a late outcome is', wholeNumber, 20)
    .action((options) => bind(check)(program.opts<Shared>(), options as never))
  program
    .command('doctor')
    .description('Finds out by trying what a broker keeps, and says what that means for a fleet.')
    .option('--broker <url>', 'the broker, in place of --url')
    .option('--restart <command>', 'a shell command that restarts it in order')
    .option('--kill <command>', 'a shell command that kills it and starts it again')
    .action((options) => bind(doctor)(program.opts<Shared>(), options as never))
}
