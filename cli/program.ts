// The command line: its commands, what each takes, and what is wrong with what was given.
import { readFileSync } from 'node:fs'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { uuidv7 } from 'uuidv7'
import { FleetError, type Order, type Partition, type SigningKey } from '../client/index.ts'
import { roles } from '../kit/access.ts'
import { type ListenAddress, listenAddressOf } from '../metrics/address.ts'
import { views } from '../monitor/history.ts'
import { AnyMac } from '../protocol/index.ts'
import { act, explain, move, send, session, sessions } from './ask.ts'
import { buy } from './buy.ts'
import { check } from './check.ts'
import { completionOf, type Shell, shells } from './completion.ts'
import type { Context, SharedOptions } from './context.ts'
import { doctor } from './doctor.ts'
import { enrol } from './enrol.ts'
import { badUsage, done, type ExitCode, noAnswer } from './exit-codes.ts'
import { exporter } from './exporter.ts'
import { key } from './key.ts'
import { ls } from './ls.ts'
import { page } from './page.ts'
import { csv, sink } from './sink.ts'
import { type Output, terminalOf } from './terminal.ts'
import { replay, watch } from './watch.ts'

export interface Surroundings {
  output: Output
  env: Readonly<Record<string, string | undefined>>
  /** Aborts when somebody wants it to end. */
  end: AbortSignal
  /** Where the built page is. */
  pageFolder: string
}

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

type Work = (context: Context, ...given: never[]) => Promise<ExitCode>
type Bind = (work: Work) => (shared: Shared, ...given: never[]) => Promise<void>
type Shared = Omit<SharedOptions, 'signing'> & {
  json?: true
  purchaseKey?: string
  commandKey?: string
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

function readSecret(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw new FleetError('invalid-argument', `${option}: ${file} cannot be read`, cause)
  }
}

function readKey(option: string, file: string): SigningKey {
  try {
    return JSON.parse(readSecret(option, file))
  } catch (cause) {
    if (cause instanceof FleetError) throw cause
    throw new FleetError('invalid-argument', `${option}: ${file} is no JWK`, cause)
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

function addLooking(program: Command, bind: Bind): void {
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

function addActing(program: Command, bind: Bind): void {
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

function addBuying(program: Command, bind: Bind): void {
  program
    .command('buy')
    .description('Buys for one device and tells what comes of it.')
    .requiredOption('--router <id>', 'the router')
    .requiredOption('--mac <mac>', 'the device', macAddress)
    .option('--amount <n>', 'what is paid', amount)
    .option('--unit <unit>', 'its unit', 'sat')
    .option('--source <text>', 'picks among prices of one unit')
    .addOption(new Option('--metric <metric>', 'a direct grant of').choices(['bytes', 'milliseconds']))
    .option('--allotment <n>', 'so many of the metric', wholeNumber)
    .option('--reference <text>', 'your own note, echoed in every event')
    .option('--id <id>', 'the purchase id; the same id and content again is sold once')
    .option('--follow', 'on until the session ends', false)
    .option(
      '--within <seconds>',
      'how long to wait: without it 15 for the outcome, and for ever for the gate',
      wholeNumber,
    )
    .action((options) => {
      const {
        router: routerId,
        follow,
        within,
        id = uuidv7(),
        metric,
        allotment,
        amount: paid,
        unit,
        ...rest
      } = options
      if ((paid === undefined) === (allotment === undefined)) {
        program.error('give --amount (and --unit), or --metric and --allotment', { exitCode: badUsage })
      }
      if (allotment !== undefined && metric === undefined) program.error('--metric is missing: bytes or milliseconds')
      const what = paid === undefined ? { metric, allotment } : { amount: paid, unit, ...(metric && { metric }) }
      const order = { purchaseId: id, ...rest, ...what } as Order
      const patience = within === undefined ? undefined : within * 1000
      return bind(buy)(program.opts<Shared>(), { routerId, order, follow, within: patience } as never)
    })
}

function addProving(program: Command, bind: Bind): void {
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

function addKeeping(program: Command, bind: Bind): void {
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

function from(usual: 'now' | 'beginning', counts: string): Option {
  const about = `${counts} from the beginning of the journals, or from now on`
  return new Option('--from <where>', about).choices(['beginning', 'now']).default(usual)
}

function addPage(program: Command, bind: Bind, { env, pageFolder: folder }: Surroundings): void {
  program
    .command('page')
    .description('Shows the fleet in a browser, where it can be acted on as well.')
    .option('--listen <address>', 'where', listenAddress, { host: '127.0.0.1', port: 8081 })
    .option('--read-only', 'a page that may only look')
    .option(
      '--token-file <file>',
      'a file with the secret that opens it; or TOLLGATE_PAGE_TOKEN; one is made where it is needed',
    )
    .option('--name <host>', 'a name under which a proxy offers it; may be repeated', collect)
    .addOption(
      new Option('--database <url>', 'a history of the sink: sales and events from its first day on')
        .env('TOLLGATE_DATABASE')
        .conflicts('from'),
    )
    .addOption(from('beginning', 'shows and counts events'))
    .action(({ tokenFile, ...options }) => {
      const token =
        tokenFile === undefined ? env.TOLLGATE_PAGE_TOKEN || undefined : readSecret('--token-file', tokenFile)
      return bind(page)(program.opts<Shared>(), { ...options, token, folder } as never)
    })
}

function addTrust(program: Command, bind: Bind): void {
  program
    .command('key')
    .description(
      'Makes a pair of keys: the private one signs purchases or commands, the public one is for the routers.',
    )
    .argument('<name>', 'the name of the key (kid), such as till-2026', keyName)
    .option('--out <folder>', 'where the two files go', '.')
    .action((kid, options) => bind(key)(program.opts<Shared>(), { kid, ...options } as never))
}

function addAccounts(program: Command, bind: Bind): void {
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

function keyName(text: string): string {
  if (!/^[\w.-]{1,64}$/.test(text)) throw new InvalidArgumentError('Give 1 to 64 of A-Z a-z 0-9 _ . -')
  return text
}

function oneOf<T extends string>(values: readonly T[]): (text: string) => T {
  return (text) => {
    const value = values.find((one) => one === text)
    if (value === undefined) throw new InvalidArgumentError(`Give one of ${values.join(', ')}.`)
    return value
  }
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Give a whole number.')
  return Number(text)
}

function share(text: string): Partition {
  const [, index, of] = /^(\d+)\/(\d+)$/.exec(text) ?? []
  if (index === undefined || Number(index) >= Number(of))
    throw new InvalidArgumentError('Give a share such as 0/2 or 1/2.')
  return { index: Number(index), of: Number(of) }
}

function macAddress(text: string): string {
  const mac = AnyMac.safeParse(text)
  if (!mac.success) throw new InvalidArgumentError('Give a MAC address such as ac:e0:10:12:2d:75.')
  return mac.data
}

function listenAddress(text: string): ListenAddress {
  const address = listenAddressOf(text)
  if (!address) throw new InvalidArgumentError('Give an address and a port such as 127.0.0.1:9465.')
  return address
}

function amount(text: string): number {
  if (text.trim() === '' || !Number.isFinite(Number(text))) throw new InvalidArgumentError('Give a number.')
  return Number(text)
}

function collect(text: string, before: string[] = []): string[] {
  return [...before, text]
}

function commandJson(text: string): { command: string } {
  try {
    const content = JSON.parse(text)
    if (typeof content?.command === 'string') return content
  } catch {
    // The error below says what is wanted.
  }
  throw new InvalidArgumentError('Give a JSON object with a command.')
}
