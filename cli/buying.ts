// The command `buy`, in its words.
import { type Command, Option } from 'commander'
import { uuidv7 } from 'uuidv7'
import type { Order } from '../client/index.ts'
import type { Bind, Shared } from './binding.ts'
import { buy } from './buy.ts'
import { badUsage } from './exit-codes.ts'
import { amount, macAddress, wholeNumber } from './given.ts'

export function addBuying(program: Command, bind: Bind): void {
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
