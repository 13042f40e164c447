// A history for as long as a command needs it, and why it cannot be had.
import { FleetError } from '../client/index.ts'
import { type History, openHistory } from '../monitor/history.ts'

export async function withHistory<T>(url: string, use: (history: History) => Promise<T>): Promise<T> {
  const history = await openHistory(url)
  try {
    return await use(history)
  } catch (error) {
    throw error instanceof FleetError ? error : whyNotThere(error)
  } finally {
    await history.close()
  }
}

// PostgreSQL's own codes have five characters; those of a connection that never was begin with E.
function whyNotThere(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: string }
  if (typeof code !== 'string' && !message?.startsWith('Connection terminated')) return error
  if (code === '42P01' || code === '3F000') {
    return new FleetError('store-failure', 'the database has no history: run tollgate-fleet sink first', error)
  }
  return new FleetError('store-failure', `--database: ${message || code}`, error)
}
