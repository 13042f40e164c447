// The command line of a development program: help with bounds, and an error as one last sentence.
import { Command, InvalidArgumentError } from 'commander'

/** `name`: as it is called. Help ends with exit code 0, anything that is wrong with exit code 2. */
export function commandLine(name: string, about: string): Command {
  return new Command(name)
    .description(about)
    .allowExcessArguments(false)
    .helpOption('-h, --help', 'show this')
    .configureOutput({
      outputError: (text, write) => write(`${text.replace(/^error: /, '').trim()}\n${name} --help tells more\n`),
    })
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
}

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text)
    if (/^\d+$/.test(text) && number >= least && number <= most) return number
    throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`)
  }
}
