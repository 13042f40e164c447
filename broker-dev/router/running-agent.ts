// An agent under way, wherever it runs.
export interface RunningAgent {
  /** Starts it, also after it was killed. */
  open(): Promise<void>
  stop(why: string): Promise<void>
  /** Its process is gone from one moment to the next. */
  kill(): Promise<void>
  /** Rejects when it ends without having been stopped or killed. */
  readonly lost: Promise<never>
}
