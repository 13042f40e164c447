// Runs `nft`, text in by its stdin, each call with a time limit.
import { spawn } from 'node:child_process'
import { GuardFault } from './guard.ts'

/** The output and the exit code of one call; a failing `nft` says nothing that could be told apart. */
export type RunNft = (
  args: readonly string[],
  /** Called when the program runs: times in it begin as late as they can. */
  text?: () => string,
) => Promise<{ stdout: string; exitCode: number; said: string }>

const mostPrinted = 16 * 1024 * 1024
const mostSaid = 400

export function runNft(program: string, timeoutMilliseconds: number): RunNft {
  return (args, text = () => '') =>
    new Promise((resolve, reject) => {
      const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
      const printed: Buffer[] = []
      let size = 0
      let said = ''
      const limit = setTimeout(() => {
        child.kill('SIGKILL')
        reject(new GuardFault('guard-silent', `no answer to ${program} ${args.join(' ')} in ${timeoutMilliseconds} ms`))
      }, timeoutMilliseconds)
      child.on('error', (cause: NodeJS.ErrnoException) => {
        clearTimeout(limit)
        const code = cause.code === 'ENOENT' ? 'guard-missing' : 'guard-refused'
        reject(new GuardFault(code, `${program} cannot be run: ${cause.message}`, { cause }))
      })
      child.stdout.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size <= mostPrinted) printed.push(chunk)
      })
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
        said = (said + chunk).slice(0, mostSaid)
      })
      // It may end before it has read everything.
      child.stdin.on('error', () => {})
      child.stdin.end(text())
      child.on('close', (exitCode) => {
        clearTimeout(limit)
        resolve({ stdout: Buffer.concat(printed).toString(), exitCode: exitCode ?? 1, said })
      })
    })
}
