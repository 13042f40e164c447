// The offer of a router: told with every refusal, and not stored with it.
import type { Tariff } from './purchase-session.ts'

/** A refusal with the metric, the step and the prices in the unit that was paid; any other message as it is. */
export function withOffer<T extends object>(message: T, { metric, stepSize, prices }: Tariff): T {
  if (!('type' in message) || message.type !== 'purchase.rejected') return message
  const { paid } = message as { paid?: { unit: string } }
  return { ...message, metric, stepSize, prices: prices.filter(({ unit }) => unit === paid?.unit) }
}
