// How soon after its start the agent is online, against a Node that does nothing but wait.
import { aedes, mosquitto } from '../test/support/brokers/brokers.ts'
import { agentKinds, startBareNode } from './agent-kinds.ts'
import type { Figure, Row } from './figure.ts'
import { noLatencies, openPortal } from './portal-process.ts'
import { median } from './statistics.ts'

const rounds = 9

export const start: Figure = {
  name: 'start',
  about: 'from the start of the process until the broker passes its status `online` on',
  async measure(stage) {
    const broker = await (mosquitto.missing ? aedes : mosquitto).open()
    stage.afterwards(broker.close)
    const { socket } = await openPortal(stage, noLatencies)
    const kinds = agentKinds(stage).map((kind) => ({ ...kind, milliseconds: [] as number[] }))
    const floors: number[] = []
    for (let round = 0; round < rounds; round++) {
      const bare = await startBareNode(stage)
      floors.push(bare.startMilliseconds)
      await bare.stop()
      for (const { start, milliseconds } of kinds) {
        const agent = await start(broker.url, socket)
        milliseconds.push(agent.onlineAfterMilliseconds)
        await agent.stop()
      }
    }
    return kinds.map(
      ({ name, hasGoal, milliseconds }): Row => ({
        what: name,
        unit: 'ms',
        ours: median(milliseconds),
        against: { name: 'bare Node', value: median(floors) },
        ...(hasGoal && { goal: { atMost: 2 } }),
      }),
    )
  },
}
