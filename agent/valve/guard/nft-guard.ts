// The guard by `nft`: one text file a transaction, JSON read back. Its exit code says little, so what is there is read again.
import type { Log } from '../../log.ts'
import { changedTable, emptyTable, type GuardChange, type GuardTable } from '../../portal/guard-table.ts'
import { type Guard, GuardFault } from './guard.ts'
import { endsIn, ownerIn, tableOf } from './listing.ts'
import { monitorNft } from './monitor.ts'
import { baseText, changeText, ownerName, tableName } from './ruleset.ts'
import { type RunNft, runNft } from './run-nft.ts'

const timeoutMilliseconds = 5000
// Seconds in JSON are whole: a time that this agent has set is known better, unless something else has set another.
const wholeSeconds = 1500

/** `owner`: the name that the table bears. `now`: milliseconds of this boot. */
export function nftGuard(
  program: string,
  owner: string,
  now: () => number,
  log: Pick<Log, 'debug'>,
  run: RunNft = runNft(program, timeoutMilliseconds),
): Guard {
  const probeTable = `inet ${tableName}_probe_${process.pid}`
  // The ends of times as this agent has set them.
  let set = emptyTable

  async function load(text: () => string): Promise<void> {
    const { exitCode, said } = await run(['-f', '-'], text)
    if (exitCode !== 0) throw new GuardFault('guard-refused', `nft refuses: ${said.trim()}`)
  }

  // Where the kernel is too old it fails at one of these, or changes nothing.
  async function probe(): Promise<void> {
    const { exitCode, said } = await run(['-c', '-f', '-'], () => baseText(owner))
    if (exitCode !== 0) throw new GuardFault('guard-refused', `nft refuses the table: ${said.trim()}`)
    try {
      await load(
        () => `${baseText(owner, probeTable)}add quota ${probeTable} probe { over 1000 bytes used 5 bytes ; }\n`,
      )
      await load(() => `add quota ${probeTable} probe { over 2000 bytes ; }\n`)
      const { stdout } = await run(['-j', 'list', 'table', ...probeTable.split(' ')])
      const isRaised = /"bytes": 2000, "used": 5\b/.test(stdout)
      if (!isRaised) throw new GuardFault('guard-refused', 'this kernel cannot raise a quota: 5.4 or later is needed')
    } finally {
      await run(['delete', 'table', ...probeTable.split(' ')])
    }
  }

  async function ownerOfTable(): Promise<string | undefined> {
    const { stdout, exitCode } = await run(['list', 'table', 'inet', tableName])
    return exitCode === 0 ? ownerIn(stdout) : undefined
  }

  async function withExactEnds(table: GuardTable): Promise<GuardTable> {
    const isKnown = ([ip, end]: [string, number | null]) => {
      const own = set.until.get(ip)
      return end === null || (typeof own === 'number' && Math.abs(own - end) <= wholeSeconds)
    }
    const strange = [...table.until].filter((element) => !isKnown(element))
    const at = now()
    const { stdout } = strange.length === 0 ? { stdout: '' } : await run(['list', 'set', 'inet', tableName, 'until'])
    const exact = endsIn(stdout, at)
    const until = [...table.until].map(([ip, end]) => [ip, end && (exact.get(ip) ?? set.until.get(ip) ?? end)] as const)
    return { ...table, until: new Map(until) }
  }

  return {
    async open() {
      const found = await ownerOfTable()
      if (found !== undefined && found !== ownerName(owner)) {
        const whose = `table inet ${tableName} bears the name ${JSON.stringify(found)}, and not ${ownerName(owner)}`
        throw new GuardFault('guard-foreign', `${whose}: another agent's, which is left alone`)
      }
      await probe()
    },
    async read() {
      const at = now()
      const { stdout, exitCode } = await run(['-j', 'list', 'table', 'inet', tableName])
      const table = exitCode === 0 ? tableOf(stdout, at) : undefined
      return table && withExactEnds(table)
    },
    async change(changes: readonly GuardChange[], isNew: boolean) {
      await load(() => `${isNew ? baseText(owner) : ''}${changeText(changes, now())}`)
      set = changedTable(set, changes)
    },
    async remove() {
      if ((await ownerOfTable()) === ownerName(owner)) await load(() => `delete table inet ${tableName}\n`)
    },
    watch: (listener) => monitorNft(program, listener, log),
  }
}
