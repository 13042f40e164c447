// The log on stdout: one JSON object a line, an event as it is published; or for people, one line of words.
import pino from 'pino'

/** `info`: something a person may bill or ask about; `warn`: tried again by itself; `error`: needs a person. */
export type Log = Pick<pino.Logger, 'info' | 'warn' | 'error' | 'debug'>

// Lines that a full disk does not take are kept up to this many characters; further lines are dropped.
const mostWaiting = 65_536

export function createLog(level: string, format: 'json' | 'text' = 'json'): Log {
  const stdout = pino.destination({ dest: 1, sync: true, maxLength: mostWaiting })
  // A full disk behind stdout costs the line, not the agent.
  stdout.on('error', () => {})
  return pino(
    {
      level,
      // Events name their router themselves: a line is the event and nothing else.
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: pino.stdSerializers.err },
    },
    format === 'json' ? stdout : { write: (line: string) => stdout.write(`${inWords(line)}\n`) },
  )
}

/** A line of the log as a person reads it. */
export function inWords(line: string): string {
  const { time, level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>
  const at = String(time).replace('T', ' ').replace('Z', '')
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${wordOf(value)}`)
  return [at, String(level).toUpperCase().padEnd(5), msg, ...rest].join(' ')
}

function wordOf(value: unknown): string {
  const { message } = Object(value)
  if (typeof message === 'string') return JSON.stringify(message)
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
}
