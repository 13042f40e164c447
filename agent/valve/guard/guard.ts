// The guard: the router's kernel counts what passes, and cuts by itself on the last byte and the last millisecond. It only ever
// shuts; gates are the portal's, and what was sold is in the books.
import type { GuardChange, GuardTable } from '../../portal/guard-table.ts'

/** Every method may throw {@link GuardFault}; how long one may take is the caller's to say. */
export interface Guard {
  /** Finds out whether the kernel can do it, and whose the table is that may be there. */
  open(): Promise<void>
  /** The table as it is; `undefined` where there is none, or one without its rules. */
  read(): Promise<GuardTable | undefined>
  /** All of it in one transaction, or nothing; `isNew`: makes the table, or its rules, before it. */
  change(changes: readonly GuardChange[], isNew: boolean): Promise<void>
  /** Takes the table away, where it is this agent's own. */
  remove(): Promise<void>
  /** Tells of what happens in the kernel, where something can; until the returned function is called. */
  watch(listener: GuardListener): () => void
}

export interface GuardListener {
  /** The kernel has cut these addresses. */
  cut(ips: readonly string[]): void
  /** Something has taken the table away, or a part of it. */
  damaged(): void
}

/** `guard-missing`: there is no `nft`. `guard-foreign`: the table bears another router's name. `guard-garbled`: a listing that cannot be read. */
export type GuardFaultCode = 'guard-missing' | 'guard-refused' | 'guard-foreign' | 'guard-silent' | 'guard-garbled'

export class GuardFault extends Error {
  override name = 'GuardFault'
  readonly code: GuardFaultCode

  constructor(code: GuardFaultCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
