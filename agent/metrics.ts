// The agent's own metrics, for who scrapes this router alone. Loaded only where they are wanted.
import type { ListenAddress } from '../metrics/address.ts'
import { familiesOf } from '../metrics/families.ts'
import { listen } from '../metrics/listen.ts'
import { processFamilies } from '../metrics/process-families.ts'
import { count, newTally } from '../metrics/tally.ts'
import type { Agent, AgentParts } from './agent.ts'
import type { Log } from './log.ts'

export interface AgentMetrics {
  sawEvent: NonNullable<AgentParts['sawEvent']>
  /** Resolves also where nobody can listen there: a router sells without being watched. */
  open(status: Agent['status']): Promise<void>
}

export function createAgentMetrics(address: ListenAddress, log: Log): AgentMetrics {
  const tally = newTally()
  return {
    sawEvent: (event) => count(tally, event),
    async open(status) {
      const families = () => {
        const { routerId, state, ...rest } = status()
        return [...familiesOf([{ routerId, state, status: rest, tally }]), ...processFamilies()]
      }
      const fault = () => (status().state === 'degraded' ? status().warnings[0] : undefined)
      await listen(address, { families, fault }).catch((err) => log.error({ err }, 'metrics cannot be answered'))
    },
  }
}
