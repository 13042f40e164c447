// `exporter`: the fleet's metrics for Prometheus, until it is ended.
import { FleetError } from '../client/index.ts'
import type { ListenAddress } from '../metrics/address.ts'
import { runExporter } from '../monitor/exporter.ts'
import { type Context, withFleet } from './context.ts'
import { done, type ExitCode } from './exit-codes.ts'

export interface ExporterArguments {
  listen: ListenAddress
  from: string
}

// A service may be started before its broker.
const patience = 60_000

export async function exporter(context: Context, { listen: address, from }: ExporterArguments): Promise<ExitCode> {
  const { terminal, end: signal } = context
  return withFleet(
    context,
    async (fleet) => {
      const onListening = (url: string) => terminal.say(`metrics at ${url}/metrics`)
      await runExporter(fleet, { address, from, signal, onListening }).catch((cause) => {
        if (cause?.code !== 'EADDRINUSE' && cause?.code !== 'EADDRNOTAVAIL' && cause?.code !== 'EACCES') throw cause
        throw new FleetError(
          'invalid-argument',
          `--listen: ${address.host}:${address.port} cannot be had: ${cause.code}`,
          cause,
        )
      })
      return done
    },
    { within: patience, keepReports: false },
  )
}
