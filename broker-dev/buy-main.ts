// `npm run buy`: one purchase by hand.
import { buy } from './buy.ts'
import { buyHelp, parseBuyArguments } from './buy-arguments.ts'

const asked = parseBuyArguments(process.argv.slice(2))
if ('help' in asked) {
  process.stdout.write(buyHelp)
  process.exit(0)
}
if ('problem' in asked) {
  process.stderr.write(`${asked.problem}\n\n${buyHelp}`)
  process.exit(2)
}

const end = new AbortController()
process.once('SIGINT', () => end.abort())
process.exit(await buy(asked.options, { print: (line) => console.log(line), end: end.signal }))
