// The cases that every broker has to pass, on a NATS cluster of three nodes.
import { afterAll, beforeAll } from 'vitest'
import { casesOn } from '../black-box/broker.cases.ts'
import { type NatsCluster, natsMissing, openNats } from '../support/brokers/nats.ts'

// Each case has routers of its own, so one cluster does for all of them.
let cluster: NatsCluster | undefined
beforeAll(async () => {
  if (!natsMissing) cluster = await openNats()
})
afterAll(() => cluster?.close())

casesOn({
  name: 'NATS',
  missing: natsMissing,
  async open() {
    const [url = ''] = cluster?.urls ?? []
    return {
      ...{ url, watchUrl: url },
      stop: async () => cluster?.stopAll(),
      async start() {
        for (const node of [0, 1, 2]) cluster?.start(node)
        await cluster?.ready()
      },
      close: async () => {},
    }
  },
})
