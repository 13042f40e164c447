// A whole router in memory: the real agent between a mock portal, a disk, an uplink and a clock that the test moves.
import { type Agent, createAgent } from '../../agent/agent.ts'
import { readConfig } from '../../agent/config.ts'
import { createJournal, type JournalLimits } from '../../agent/journal/journal.ts'
import type { Log } from '../../agent/log.ts'
import type { Neighbour } from '../../agent/portal/neighbour.ts'
import { createTrust } from '../../agent/trust/trust.ts'
import type { Ndsctl } from '../../agent/valve/ndsctl/exec.ts'
import { PortalFault } from '../../agent/valve/portal-fault.ts'
import { createValve } from '../../agent/valve/valve.ts'
import type { Flavour, PortalOptions } from '../../broker-dev/portal/world.ts'
import type { Event, EventOf, Mac } from '../../protocol/index.ts'
import { aKernel, guardOf } from './a-kernel.ts'
import { aPortal, join } from './a-portal.ts'
import { aGrant, aMac } from './builders.ts'
import { eventsOf } from './events.ts'
import { fakeClock, settled } from './fake-clock.ts'
import { type FakeUplink, fakeUplink } from './fake-uplink.ts'
import { memoryDisk } from './memory-disk.ts'
import { createStreams } from './streams.ts'

export type RouterUnderTest = ReturnType<typeof aRouter>

interface Options extends Partial<PortalOptions> {
  flavour?: Flavour
  env?: Record<string, string>
  limits?: JournalLimits
  /** Whether the router's kernel tells who is on the LAN. */
  neighbours?: boolean
  /** The portal takes the times that were measured at the real ones, or that many milliseconds a call. */
  takes?: 'measured' | number
  /** The router's kernel guards, with packets of that many bytes. */
  guard?: number | undefined
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: it puts a whole router together.
export function aRouter({ flavour = 'nodogsplash', env = {}, limits, ...options }: Options = {}) {
  const { neighbours = true, takes = 0, guard: packet, ...portalOptions } = options
  const clock = fakeClock(1_000_000)
  const sleep = async (milliseconds: number) => {
    await clock.sleep(Math.ceil(milliseconds))
    streams.flow()
  }
  const { portal, ndsctl, calls } = aPortal(flavour, { now: () => clock.wall(), sleep, ...portalOptions })
  const streams = createStreams(portal, clock.monotonic)
  Object.assign(portal.faults, takes === 'measured' ? { realistic: true } : { latencyMilliseconds: takes })
  const kernel = aKernel(clock.monotonic, packet)
  const kernelCalls: string[] = []
  let guardTakes: (call: string) => Promise<void> = async () => {}
  const guard = guardOf(kernel, (call) => {
    kernelCalls.push(call)
    return guardTakes(call)
  })
  const uplinks: FakeUplink[] = []
  const errors: string[] = []
  const endedFlows: string[] = []
  let disk = memoryDisk()
  let uplink = fakeUplink()
  let agent: Agent | undefined
  let ids = 0
  let epochs = 0
  let beforeCall: (args: readonly string[]) => Promise<void> | void = () => {}
  let failing: number | undefined

  const quiet = () => {}
  const error = (fields: object, message?: string) => errors.push(`${message} ${JSON.stringify(fields)}`)
  const log = { debug: quiet, info: quiet, warn: quiet, error } as unknown as Log

  async function start(changed: Record<string, string> = {}): Promise<void> {
    const read = readConfig({ AGENT_ROUTER_ID: 'r1', ...env, ...changed })
    if ('problems' in read) throw new Error(read.problems.join('; '))
    const { config } = read
    uplink = fakeUplink()
    uplinks.push(uplink)
    agent = createAgent({
      config,
      clock,
      journal: createJournal(disk, () => `epoch-${++epochs}`, { limits, sleep: clock.sleep }),
      valve: createValve(
        within(config.portal.timeoutMilliseconds, async (args) => {
          await beforeCall(args)
          streams.flow()
          return failing === undefined ? ndsctl(args) : { stdout: '', exitCode: failing }
        }),
        config.portal.kind,
        clock,
        async (ip) => void endedFlows.push(ip),
      ),
      ...(packet !== undefined && { guard }),
      neighbours: async () => (neighbours ? (portal.neighbours() as Neighbour[]) : undefined),
      uplink,
      trust: createTrust(config, clock, log),
      log,
      newId: () => `s${++ids}`,
    })
    await agent.open()
    uplink.connect()
    await settled()
  }

  /** As the real `ndsctl` is given up when it takes too long. */
  function within(milliseconds: number, ask: Ndsctl): Ndsctl {
    return async (args, extra = 0) => {
      const answered = new AbortController()
      const answer = ask(args).finally(() => answered.abort('answered'))
      const limit = clock.sleep(milliseconds + extra, answered.signal).then(() => undefined)
      const first = await Promise.race([answer, limit])
      if (first !== undefined || answered.signal.aborted) return answer
      answer.catch(() => {})
      throw new PortalFault('portal-silent', `no answer to ndsctl ${args.join(' ')}`)
    }
  }

  /** The agent's process is gone: nothing of it happens any more, the disk is as it is. */
  function crash(): void {
    clock.kill()
    kernel.listeners.clear()
    uplink.disconnect()
    disk = disk.copy()
  }

  const usage = () => uplinks.flatMap((each) => each.usage())

  return {
    clock,
    portal,
    calls,
    errors,
    get disk() {
      return disk
    },
    get uplink() {
      return uplink
    },
    start,
    crash,
    async restart(): Promise<void> {
      crash()
      await start()
    },
    /** The power goes and comes back: portal, agent and monotonic clock begin again. */
    async reboot(offMilliseconds = 0): Promise<void> {
      crash()
      kernel.remove()
      portal.stop()
      clock.jumpWall(offMilliseconds)
      clock.reboot(`${clock.bootId}+`)
      portal.start()
      await start()
    },
    async stop(why = 'SIGTERM'): Promise<void> {
      const stopping = agent?.stop(why)
      await clock.advance(5000)
      await stopping
    },
    /** The device joins the LAN and its browser meets the portal page. */
    join: (device: number, ip?: string) => join(portal, device, ip),
    /** Buys by a direct grant; resolves when the agent has acknowledged and done what follows at once. */
    async grant(
      metric: 'bytes' | 'milliseconds',
      allotment: number,
      fields: Record<string, unknown> = {},
    ): Promise<void> {
      await uplink.purchase(aGrant(metric, allotment, fields))
      await settled()
    },
    /** Sends bytes towards a device: returns what comes through its gate and the kernel. The portal counts before the kernel does. */
    use: (bytes: number, device = 1) => {
      const passed = portal.transfer(aMac(device), { downloaded: bytes, uploaded: 0 })
      const ip = portal.neighbours().find(({ mac }) => mac === aMac(device))?.ip
      return packet === undefined || ip === undefined ? passed.downloaded : kernel.pass(ip, passed).downloaded
    },
    kernel,
    /** Every call of the guard so far, and how long one takes from now on. */
    kernelCalls,
    guardTakes(takes: typeof guardTakes): void {
      guardTakes = takes
    },
    async pass(milliseconds: number): Promise<void> {
      await clock.advance(milliseconds)
      streams.flow()
    },
    /** Devices that go on and on while time passes. */
    streams,
    /** The IPs whose flows were ended. */
    endedFlows,
    isOpen: (device = 1) => portal.gateOpen(aMac(device)),
    /** Called before every call of ndsctl; what it returns is waited for. */
    beforeCall(hook: typeof beforeCall): void {
      beforeCall = hook
    },
    /** Every call of ndsctl ends with that code and nothing else, while the portal itself goes on. */
    failWith(exitCode: number | undefined): void {
      failing = exitCode
    },
    callsOf: (command: string) => calls.filter((call) => call.startsWith(`${command} `)),
    events: <T extends Event['type']>(type: T): EventOf<T>[] => eventsOf(usage(), type),
    /** The types of all events, in the order in which they were published. */
    story: (): string[] => usage().flatMap((message) => (message.type === 'usage' ? [] : [message.type])),
    usage,
    /** The session of a device as the latest usage report shows it, asked for now. */
    async session(mac: Mac = aMac()) {
      const reply = await uplink.command({ transaction: `look-${++ids}`, command: 'session', mac })
      return reply.status === 'ok' ? (reply.data as Record<string, unknown>) : undefined
    },
    /** Messages that were published against the contract. */
    invalid: (): string[] => uplinks.flatMap((each) => each.invalid),
  }
}
