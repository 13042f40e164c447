// The log: one JSON object a line on stdout; an event is logged as it is published.
import pino from 'pino'

/** `info`: something a person may bill or ask about; `warn`: tried again by itself; `error`: needs a person. */
export type Log = Pick<pino.Logger, 'info' | 'warn' | 'error' | 'debug'>

export function createLog(level: string): Log {
  return pino(
    {
      level,
      // Events name their router themselves: a line is the event and nothing else.
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: pino.stdSerializers.err },
    },
    pino.destination({ dest: 1, sync: true }),
  )
}
