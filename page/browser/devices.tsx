// The devices of a router: gate, lots, rate, and what can be done about each.
import type { Device } from '../wire/wire.ts'
import { act } from './act.ts'
import { show, view } from './address.ts'
import { isAskedFor } from './dialogs.ts'
import { amountOf, duration, moment, rate } from './format.ts'
import { lotsOf } from './lots.ts'
import { detail, server } from './store.ts'

export function Devices() {
  const { router, device } = view.value
  const known = detail.value
  if (!known || known.id !== router) return <p class="none">Asking …</p>
  if (known.devices.length === 0) return <p class="none">No device has anything left here.</p>
  return (
    <>
      <table class="devices">
        <thead>
          <tr>
            <th scope="col">Device</th>
            <th scope="col">Gate</th>
            <th scope="col">Left of what was bought</th>
            <th scope="col" class="number">
              Traffic
            </th>
            <th scope="col" class="number">
              Open for
            </th>
          </tr>
        </thead>
        <tbody>
          {known.devices.map((one) => (
            <Line key={one.sessionId} device={one} isOpen={one.sessionId === device} router={known.id} />
          ))}
        </tbody>
      </table>
      <p>
        <a class="quiet button" href={`./devices.csv?router=${encodeURIComponent(known.id)}`} download>
          CSV
        </a>
      </p>
    </>
  )
}

function Line({ device, isOpen, router }: { device: Device; isOpen: boolean; router: string }) {
  const isStale = device.quality === 'last-known'
  return (
    <>
      <tr class={`${device.state} ${isOpen ? 'chosen' : ''}`} data-session={device.sessionId}>
        <th scope="row">
          <button
            type="button"
            class="plain"
            aria-expanded={isOpen}
            onClick={() => show({ device: isOpen ? undefined : device.sessionId })}
          >
            <span aria-hidden="true">{isOpen ? '▾' : '▸'}</span> {device.mac}
          </button>
        </th>
        <td class={`gate is-${device.state}`}>{gateOf(device)}</td>
        <td>
          <Left device={device} />
        </td>
        <td class="number">
          <Spark rates={device.rates} />
          {device.state === 'open' ? rate(device.bytesPerSecond) : '–'}
          {isStale && <abbr title="the portal is silent: the last known numbers">?</abbr>}
        </td>
        <td class="number">{duration(device.openMilliseconds)}</td>
      </tr>
      {isOpen && (
        <tr class="more">
          <td colSpan={5}>
            <More device={device} router={router} />
          </td>
        </tr>
      )}
    </>
  )
}

function gateOf({ state, waitingFor }: Device): string {
  if (state === 'open') return 'open'
  if (state === 'waiting') return waitingFor === undefined ? 'shut, waits' : `shut, waits for ${waitingFor}`
  return state === 'paused' ? 'shut, paused' : 'closing'
}

function Left({ device: { remaining, allotment } }: { device: Device }) {
  return (
    <div class="bars">
      {(['bytes', 'milliseconds'] as const).map((metric) => {
        const bought = allotment[metric]
        if (bought === undefined) return null
        const left = remaining[metric] ?? 0
        return (
          <Bar
            key={metric}
            part={left}
            whole={bought}
            label={`${amountOf(metric, left)} of ${amountOf(metric, bought)}`}
          />
        )
      })}
    </div>
  )
}

function Bar({ part, whole, label }: { part: number; whole: number; label: string }) {
  const share = whole === 0 ? 0 : Math.min(100, (part / whole) * 100)
  return (
    <span class="left">
      <span class="bar" aria-hidden="true">
        <span style={{ width: `${share}%` }} />
      </span>
      {label}
    </span>
  )
}

function Spark({ rates }: { rates: readonly number[] }) {
  if (rates.length < 2) return null
  const most = Math.max(...rates, 1)
  const points = rates.map((value, index) => `${(index / (rates.length - 1)) * 60},${15 - (value / most) * 14}`)
  return (
    <svg class="spark" viewBox="0 0 60 16" aria-hidden="true">
      <polyline points={points.join(' ')} />
    </svg>
  )
}

function More({ device, router }: { device: Device; router: string }) {
  const { sessionId, mac, state } = device
  return (
    <div class="device">
      {!server.value.isReadOnly && (
        <div class="actions">
          <button type="button" class="main" onClick={() => (isAskedFor.value = { kind: 'buy', router, mac })}>
            Top up
          </button>
          {state === 'paused' ? (
            <button
              type="button"
              onClick={() => act(router, { command: 'session.resume', sessionId }, `${mac} goes on`)}
            >
              Resume
            </button>
          ) : (
            <button
              type="button"
              onClick={() => act(router, { command: 'session.pause', sessionId }, `${mac} is paused`)}
            >
              Pause
            </button>
          )}
          <button type="button" onClick={() => (isAskedFor.value = { kind: 'move', router, mac })}>
            Move
          </button>
          <button
            type="button"
            class="danger"
            onClick={() => (isAskedFor.value = { kind: 'end', router, mac, sessionId })}
          >
            End
          </button>
        </div>
      )}
      <dl class="facts">
        <dt>session</dt>
        <dd>{sessionId}</dd>
        <dt>since</dt>
        <dd>{device.startedAt ? moment(device.startedAt, new Date()) : 'not open yet'}</dd>
        {device.exhaustsAt && (
          <>
            <dt>used up about</dt>
            <dd>{moment(device.exhaustsAt, new Date())}</dd>
          </>
        )}
      </dl>
      <Lots device={device} />
    </div>
  )
}

function Lots({ device }: { device: Device }) {
  if (device.bought.length === 0)
    return <p class="faint">Its purchases are older than the events that were seen here.</p>
  return (
    <ul class="lots" aria-label="Purchases">
      {lotsOf(device).map(({ purchase, left }) => (
        <li key={purchase.purchaseId}>
          <Bar
            part={left}
            whole={purchase.allotment}
            label={`${amountOf(purchase.metric, left)} of ${amountOf(purchase.metric, purchase.allotment)}`}
          />
          <span>{purchase.paid ? `${purchase.paid.amount} ${purchase.paid.unit}` : 'granted'}</span>
          <span class="faint">{moment(purchase.at, new Date())}</span>
          <button
            type="button"
            class="plain"
            onClick={() => show({ story: purchase.purchaseId, tab: 'story' })}
            title={purchase.purchaseId}
          >
            Story
          </button>
        </li>
      ))}
    </ul>
  )
}
