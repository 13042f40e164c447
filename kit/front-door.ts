// How the kit buys at a backend and asks what became of it: `POST /buy` with an `Idempotency-Key`, `GET /orders/KEY`.

export interface OrderAnswer {
  /** `accepted`, `refused` or `unknown`. */
  outcome?: string
  code?: string
  refunds?: { amount?: string | number; unit?: string }[]
}

export interface FrontDoor {
  buy(key: string, order: object): Promise<OrderAnswer>
  order(key: string): Promise<OrderAnswer>
}

export function frontDoor(url: string): FrontDoor {
  async function ask(path: string, request: RequestInit): Promise<OrderAnswer> {
    try {
      const response = await fetch(new URL(path, url), { ...request, signal: AbortSignal.timeout(60_000) })
      return (await response.json()) as OrderAnswer
    } catch {
      // A backend that has crashed, or answers no JSON, knows nothing.
      return {}
    }
  }
  return {
    buy: (key, order) =>
      ask('/buy', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify(order),
      }),
    order: (key) => ask(`/orders/${encodeURIComponent(key)}`, {}),
  }
}

/** The money paid back, in all. */
export function refunded({ refunds = [] }: OrderAnswer): number {
  return refunds.reduce((sum, { amount = 0 }) => sum + Number(amount), 0)
}
