// A router's word about itself: books, prices, journal, flash, guard.
import type { LiveStatus } from '../../protocol/index.ts'
import { view } from './address.ts'
import { amountOf, bytes, count } from './format.ts'
import { detail } from './store.ts'

export function RouterStatus() {
  const { router } = view.value
  const status = detail.value?.id === router ? detail.value?.status : undefined
  if (!status) return <p class="none">It has told nothing of itself.</p>
  const { journal, flash, guard, conservation, prices, sessions } = status
  return (
    <>
      <dl class="facts wide">
        <Fact name="agent" value={status.agentVersion} />
        <Fact name="journal" value={status.epoch ?? 'cannot be read'} />
        {journal && (
          <Fact
            name="events"
            value={`${journal.firstSeq} to ${journal.lastSeq}, the broker has ${journal.acknowledgedSeq}`}
          />
        )}
        {sessions && (
          <Fact
            name="sessions"
            value={`${sessions.open} open, ${sessions.waiting} waiting, ${sessions.paused} paused, ${sessions.closing} closing`}
          />
        )}
        {flash && (
          <Fact
            name="flash"
            value={`${bytes(flash.writtenBytes)} written${flash.bytesPerDay === null ? '' : `, ${bytes(flash.bytesPerDay)} a day`}`}
          />
        )}
        {guard && (
          <Fact name="guard" value={guard.kind === 'none' ? 'none' : `${guard.state}, ${guard.devices} devices`} />
        )}
        <Fact name="clock" value={status.clockSynced ? 'synchronised' : 'not to be trusted'} />
      </dl>
      {conservation && <Books {...conservation} />}
      {prices && <Prices {...prices} />}
    </>
  )
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  )
}

const parts = ['sold', 'used', 'remaining', 'unused', 'difference'] as const

function Books(conservation: LiveStatus['conservation']) {
  return (
    <table>
      <caption>Its books</caption>
      <thead>
        <tr>
          <th scope="col">Metric</th>
          {parts.map((part) => (
            <th key={part} scope="col" class="number">
              {part}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {(['bytes', 'milliseconds'] as const).map((metric) => (
          <tr key={metric}>
            <th scope="row">{metric}</th>
            {parts.map((part) => (
              <td key={part} class="number" title={count(conservation[metric][part])}>
                {part === 'difference'
                  ? count(conservation[metric][part])
                  : amountOf(metric, conservation[metric][part])}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Prices({ prices, metric, stepSize, directGrants }: NonNullable<LiveStatus['prices']>) {
  return (
    <table>
      <caption>
        Prices of {amountOf(metric, stepSize)}
        {directGrants ? '; grants are taken as well' : ''}
      </caption>
      <thead>
        <tr>
          <th scope="col">Unit</th>
          <th scope="col" class="number">
            Price
          </th>
          <th scope="col" class="number">
            At least
          </th>
          <th scope="col">From</th>
        </tr>
      </thead>
      <tbody>
        {prices.map(({ unit, pricePerStep, minSteps, source }) => (
          <tr key={`${unit} ${source}`}>
            <th scope="row">{unit}</th>
            <td class="number">{pricePerStep}</td>
            <td class="number">{amountOf(metric, minSteps * stepSize)}</td>
            <td>{source ?? 'anybody'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
