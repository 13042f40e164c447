// The command line: what all commands share, and what is wrong with what was given.
import { Command, CommanderError, Option } from 'commander'
import { FleetError } from '../client/index.ts'
import { addAccounts, addTrust } from './accounts-and-keys.ts'
import { addActing } from './acting.ts'
import type { Bind, Shared } from './binding.ts'
import { addBuying } from './buying.ts'
import { completionOf, type Shell, shells } from './completion.ts'
import type { Context } from './context.ts'
import { badUsage, done, type ExitCode, noAnswer } from './exit-codes.ts'
import { oneOf } from './given.ts'
import { addKeeping } from './keeping.ts'
import { addLooking } from './looking.ts'
import { addProving } from './proving.ts'
import { readKey } from './secrets.ts'
import { addPage } from './showing.ts'
import type { Surroundings } from './surroundings.ts'
import { type Output, terminalOf } from './terminal.ts'

/** Runs one command line; never throws for what a user, a router or a broker can do. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { output, end } = surroundings
  let code: ExitCode = done
  const program = programOf(surroundings, (work) => async (shared, ...given) => {
    const context = contextOf(shared, surroundings)
    code = await work(context, ...given)
  })
  configure(program, output)
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? done : badUsage
    if (end.aborted) return done
    if (!(error instanceof FleetError)) throw error
    output.err(`${error.message}\n`)
    return error.code === 'invalid-argument' ? badUsage : noAnswer
  }
}

function contextOf(shared: Shared, { output, env, end }: Surroundings): Context {
  const { json = false, purchaseKey, commandKey, ...options } = shared
  const signing = {
    ...(purchaseKey !== undefined && { purchases: readKey('--purchase-key', purchaseKey) }),
    ...(commandKey !== undefined && { commands: readKey('--command-key', commandKey) }),
  }
  return {
    terminal: terminalOf(output, json),
    options: { ...options, signing, ...(env.TOLLGATE_PASSWORD !== undefined && { password: env.TOLLGATE_PASSWORD }) },
    end,
  }
}

function configure(program: Command, { out, err }: Output): void {
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: out,
      writeErr: err,
      outputError: (text, write) => write(text.replace(/^error: /, '')),
    })
  }
}

function programOf(surroundings: Surroundings, bind: Bind): Command {
  const program = new Command('tollgate-fleet')
  program
    .description('Watches, asks and steers a fleet of routers over its MQTT broker.')
    .addOption(
      new Option('--url <url>', 'the broker; several of one cluster with commas between')
        .env('TOLLGATE_URL')
        .default('mqtt://127.0.0.1:1883'),
    )
    .addOption(new Option('--username <name>', 'who you are to the broker').env('TOLLGATE_USERNAME'))
    .addOption(
      new Option('--password-file <file>', 'a file with the password; or TOLLGATE_PASSWORD').env(
        'TOLLGATE_PASSWORD_FILE',
      ),
    )
    .addOption(new Option('--ca <file>', 'the certificate authority of the broker').env('TOLLGATE_CA'))
    .addOption(new Option('--cert <file>', 'your certificate').env('TOLLGATE_CERT'))
    .addOption(new Option('--key <file>', 'its key').env('TOLLGATE_KEY'))
    .addOption(new Option('--purchase-key <file>', 'a private JWK: signs purchases').env('TOLLGATE_PURCHASE_KEY'))
    .addOption(new Option('--command-key <file>', 'a private JWK: signs commands').env('TOLLGATE_COMMAND_KEY'))
    .addOption(new Option('--prefix <topic>', 'the topic prefix of the fleet').env('TOLLGATE_PREFIX').default('router'))
    .addOption(new Option('--mqtt <version>', 'the version of MQTT: 4 is 3.1.1').choices(['4', '5']).default('4'))
    .option('--json', 'one JSON value a line instead of words')
    .addHelpText('after', '\nExit code: 0 done, 1 refused, 2 bad usage, 3 no answer. NO_COLOR is respected.')
  addLooking(program, bind)
  addActing(program, bind)
  addBuying(program, bind)
  addProving(program, bind)
  addTrust(program, bind)
  addAccounts(program, bind)
  addKeeping(program, bind)
  addPage(program, bind, surroundings)
  program
    .command('completion')
    .argument('<shell>', shells.join(', '), oneOf(shells))
    .summary('print a completion script')
    .description('Prints a completion script, e.g. for ~/.bashrc: eval "$(tollgate-fleet completion bash)"')
    .action((shell: Shell) => program.configureOutput().writeOut?.(completionOf(program, shell)))
  return program
}
