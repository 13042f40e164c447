// The command `page`, in its words.
import { type Command, Option } from 'commander'
import type { Bind, Shared } from './binding.ts'
import { from } from './from.ts'
import { collect, listenAddress } from './given.ts'
import { page } from './page.ts'
import { readSecret } from './secrets.ts'
import type { Surroundings } from './surroundings.ts'

export function addPage(program: Command, bind: Bind, { env, pageFolder: folder }: Surroundings): void {
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
