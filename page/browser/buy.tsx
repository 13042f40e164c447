// Buying for a device: paid for in one of the router's units, or granted.
import { useState } from 'preact/hooks'
import type { LiveStatus } from '../../protocol/index.ts'
import { show } from './address.ts'
import { newId, post } from './api.ts'
import { closeDialog } from './dialogs.ts'
import { amountOf } from './format.ts'
import { Modal } from './modal.tsx'
import { detail } from './store.ts'

type Result =
  | { outcome: 'accepted'; event: { allotment: number; metric: 'bytes' | 'milliseconds'; sessionId: string } }
  | { outcome: 'refused'; code: string; event: { message: string } }
  | { outcome: 'unknown' }

type Said = { text: string; isBad: boolean; isSold?: boolean }

const grants = { megabytes: ['bytes', 1e6], minutes: ['milliseconds', 60_000] } as const

export function Buy({ router, mac: given }: { router: string; mac: string }) {
  const [mac, setMac] = useState(given)
  const [amount, setAmount] = useState('10')
  const prices = detail.value?.id === router ? detail.value?.status?.prices : undefined
  const [unit, setUnit] = useState(prices?.prices[0]?.unit ?? 'sat')
  const [said, setSaid] = useState<Said>()
  const [isAsking, setIsAsking] = useState(false)
  // The id stays while the form says the same: pressed again after a lost answer, it is sold once.
  const [sold, setSold] = useState({ id: newId(), of: '' })

  async function buy(event: Event): Promise<void> {
    event.preventDefault()
    const order = { router, mac, ...whatOf(unit, Number(amount)) }
    const text = JSON.stringify(order)
    const id = sold.of === '' || sold.of === text ? sold.id : newId()
    setSold({ id, of: text })
    setIsAsking(true)
    setSaid({ text: `asked ${router} …`, isBad: false })
    const answer = await post<Result>('buy', { ...order, purchaseId: id })
    setIsAsking(false)
    setSaid('problem' in answer ? { text: answer.problem, isBad: true } : saidOf(answer.body, router))
    if (!('problem' in answer) && answer.body.outcome === 'accepted') {
      show({ router, tab: 'devices', device: answer.body.event.sessionId })
      setSold({ id: newId(), of: '' })
    }
  }

  return (
    <Modal title={`Buy at ${router}`}>
      <form onSubmit={buy}>
        <label>
          Device
          <input
            name="mac"
            required
            value={mac}
            placeholder="02:74:00:01:00:00"
            onInput={({ currentTarget }) => setMac(currentTarget.value)}
          />
        </label>
        <div class="pair">
          <label>
            Amount
            <input
              name="amount"
              required
              inputMode="decimal"
              value={amount}
              onInput={({ currentTarget }) => setAmount(currentTarget.value)}
            />
          </label>
          <label>
            Unit
            <select name="unit" value={unit} onChange={({ currentTarget }) => setUnit(currentTarget.value)}>
              {[...new Set(prices?.prices.map((price) => price.unit) ?? ['sat'])].map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
              {(prices?.directGrants ?? true) &&
                Object.keys(grants).map((one) => (
                  <option key={one} value={one}>
                    {one}, granted
                  </option>
                ))}
            </select>
          </label>
        </div>
        <p class="faint">{quoteOf(prices, unit, Number(amount))}</p>
        <p role="status" class={said?.isBad ? 'warning' : 'said'}>
          {said?.text}
        </p>
        <div class="actions">
          <button type="submit" class="main" disabled={isAsking}>
            Buy
          </button>
          {said?.isSold && (
            <button type="button" onClick={closeDialog}>
              Done
            </button>
          )}
        </div>
      </form>
    </Modal>
  )
}

function whatOf(unit: string, amount: number): object {
  const grant = Object.entries(grants).find(([name]) => name === unit)?.[1]
  return grant ? { metric: grant[0], allotment: Math.round(amount * grant[1]) } : { amount, unit }
}

function quoteOf(list: LiveStatus['prices'], unit: string, amount: number): string {
  const price = list?.prices.find((one) => one.unit === unit)
  if (!list || !price || !Number.isFinite(amount)) return ' '
  const steps = Math.floor(amount / price.pricePerStep)
  if (steps < Math.max(1, price.minSteps))
    return `too little: at least ${Math.max(1, price.minSteps) * price.pricePerStep} ${unit}`
  return `about ${amountOf(list.metric, steps * list.stepSize)}; the router's own arithmetic is exact`
}

function saidOf(result: Result, router: string): Said {
  if (result.outcome === 'accepted') {
    const { metric, allotment } = result.event
    return { text: `sold: ${amountOf(metric, allotment)}`, isBad: false, isSold: true }
  }
  if (result.outcome === 'refused') return { text: `${result.code}: ${result.event.message}`, isBad: true }
  return { text: `no outcome yet: ${router} may be away; the same again is sold once`, isBad: true }
}
