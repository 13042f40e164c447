// The `ndsctl` program of both daemons: arguments in, text and exit code out, whatever carries the request.

import { nodogsplashUsage, openndsUsage } from './ndsctl-usage.ts'
import type { Flavour } from './settings.ts'

/** How a request reaches the daemon; `socketPath` is what the user chose by `-s`. */
export interface Transport {
  flavour: Flavour
  /** Rejects with an Error whose `code` is ENOENT or ECONNREFUSED for "no daemon", EAGAIN or BUSY for "not now". */
  send(request: string, socketPath?: string): Promise<string>
}

/** The output and exit code of a program that has ended. */
export interface Ending {
  stdout: string
  stderr: string
  exitCode: number
}

export async function ndsctl(args: string[], to: Transport): Promise<Ending> {
  const call = parse(args, to.flavour)
  if ('exitCode' in call) return call
  const complaint = to.flavour === 'opennds' ? pgrepComplaint : ''
  const ending = await run(call, to)
  return { ...ending, stderr: complaint + ending.stderr }
}

interface Call {
  command: string
  parameter: string | undefined
  socketPath: string | undefined
}

function parse(args: string[], flavour: Flavour): Call | Ending {
  const words = [...args]
  let socketPath: string | undefined
  const simple = flavour === 'nodogsplash'
  while (words[0]?.startsWith('-')) {
    const option = words.shift()
    // The two daemons disagree on whether asking for help is an error.
    if (option !== '-s') return usage(flavour, simple ? 1 : 0)
    const path = words.shift()
    // openNDS reads the path and ignores it.
    if (simple) socketPath = path
  }
  const [command, ...parameters] = words
  if (command === undefined) return usage(flavour, simple ? 0 : 1)
  if (simple && parameters.length > 1) return usage(flavour, 1)
  const joined = command === 'auth' && !simple ? parameters.join(',') : parameters[0]
  return { command, parameter: joined, socketPath }
}

function usage(flavour: Flavour, exitCode: number): Ending {
  return { stdout: flavour === 'nodogsplash' ? nodogsplashUsage : openndsUsage, stderr: '', exitCode }
}

async function run(call: Call, to: Transport): Promise<Ending> {
  const { command, parameter } = call
  if (!isKnown(command, to.flavour)) return { stdout: '', stderr: `Unknown command: ${command}\n`, exitCode: 1 }
  let reply: string
  try {
    reply = await to.send(`${command}${parameter === undefined ? '' : ` ${parameter}`}\r\n\r\n`, call.socketPath)
  } catch (error) {
    return unreached(error, to.flavour)
  }
  const sentences = outcomes[command]
  // A daemon that hangs up without a word has no status.
  const isText = !sentences && !(command === 'status' && reply === '')
  if (isText) return { stdout: reply, stderr: '', exitCode: 0 }
  const name = parameter ?? '(null)'
  if (sentences && reply === 'Yes') return { stdout: sentences.done.replace('%', () => name), stderr: '', exitCode: 0 }
  if (sentences && reply === 'No')
    return { stdout: sentences.refused.replace('%', () => name), stderr: '', exitCode: 1 }
  const daemon = to.flavour === 'nodogsplash' ? 'nodogsplash' : 'opennds'
  return { stdout: '', stderr: `ndsctl: Error: ${daemon} sent an abnormal reply.\n`, exitCode: 2 }
}

function isKnown(command: string, flavour: Flavour): boolean {
  if (command === 'clients') return flavour === 'nodogsplash'
  if (flavour === 'opennds-10' && goneIn10.has(command)) return false
  return printing.has(command) || Object.hasOwn(outcomes, command)
}

function unreached(error: unknown, flavour: Flavour): Ending {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  if (flavour !== 'nodogsplash' && (code === 'EAGAIN' || code === 'BUSY')) {
    const text = flavour === 'opennds-10' ? 'ndsctl thread is busy, please try later.\n' : ''
    return { stdout: text, stderr: '', exitCode: 4 }
  }
  const reason = reasons[code]
  if (reason === undefined) throw error
  return { stdout: '', stderr: `ndsctl: ${missing[flavour]} (Error: ${reason})\n`, exitCode: 3 }
}

// openNDS 9.10 asks `pgrep` for a name longer than `pgrep` likes, at every call.
const pgrepComplaint =
  'pgrep: pattern that searches for process name longer than 15 characters will result in zero matches\n' +
  "Try `pgrep -f' option to match against the complete command line.\n"

const printing = new Set(['json', 'status', 'clients', 'stop'])

const goneIn10 = new Set(['block', 'unblock', 'allow', 'unallow'])

const outcomes: Record<string, { done: string; refused: string }> = {
  auth: { done: 'Client % authenticated.\n', refused: 'Failed to authenticate client %.\n' },
  deauth: { done: 'Client % deauthenticated.\n', refused: 'Client % not found.\n' },
  trust: { done: 'MAC % trusted.\n', refused: 'Failed to trust MAC %.\n' },
  untrust: { done: 'MAC % untrusted.\n', refused: 'Failed to untrust MAC %.\n' },
  block: { done: 'MAC % blocked.\n', refused: 'Failed to block MAC %.\n' },
  unblock: { done: 'MAC % unblocked.\n', refused: 'Failed to unblock MAC %.\n' },
  allow: { done: 'MAC % allowed.\n', refused: 'Failed to allow MAC %.\n' },
  unallow: { done: 'MAC % unallowed.\n', refused: 'Failed to unallow MAC %.\n' },
  debuglevel: { done: 'Debug level set to %.\n', refused: 'Failed to set debug level to %.\n' },
}

const reasons: Record<string, string> = {
  ENOENT: 'No such file or directory',
  ECONNREFUSED: 'Connection refused',
  EAGAIN: 'Resource temporarily unavailable',
}

const missing: Record<Flavour, string> = {
  nodogsplash: 'nodogsplash probably not started',
  opennds: 'opennds probably not started',
  'opennds-10': 'opennds probably not yet started',
}
