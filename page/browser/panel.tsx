// The right side: one router, or the whole fleet where none is chosen.

import { show, view } from './address.ts'
import { Devices } from './devices.tsx'
import { isAskedFor } from './dialogs.ts'
import { Events } from './events-list.tsx'
import { Faults } from './faults.tsx'
import { duration, moment } from './format.ts'
import { stateOf } from './order.ts'
import { RatePlot } from './rate-plot.tsx'
import { RouterStatus } from './router-status.tsx'
import { select } from './router-table.tsx'
import { Sales } from './sales.tsx'
import { detail, rows, server, serverNow, version } from './store.ts'
import { Story } from './story.tsx'
import type { Tab } from './view.ts'

export function Panel() {
  const { router, tab, story } = view.value
  const offered: Tab[] = router === undefined ? ['events', 'sales'] : ['devices', 'events', 'sales', 'status']
  if (router !== undefined && server.value.kinds.length > 0) offered.push('faults')
  if (router !== undefined && story !== undefined) offered.push('story')
  const shown = offered.includes(tab) ? tab : (offered[0] ?? 'events')
  return (
    <section class="panel" aria-label={router === undefined ? 'The fleet' : `Router ${router}`}>
      {router === undefined ? <FleetHead /> : <RouterHead id={router} />}
      <div class="tabs" role="tablist" aria-label="What is shown">
        {offered.map((one) => (
          <button
            key={one}
            type="button"
            role="tab"
            id={`tab-${one}`}
            aria-selected={one === shown}
            aria-controls="shown"
            onClick={() => show({ tab: one })}
          >
            {one}
          </button>
        ))}
      </div>
      <div class="shown" id="shown" role="tabpanel" aria-labelledby={`tab-${shown}`} tabIndex={0}>
        <Content tab={shown} />
      </div>
    </section>
  )
}

function Content({ tab }: { tab: Tab }) {
  switch (tab) {
    case 'devices':
      return <Devices />
    case 'events':
      return <Events />
    case 'sales':
      return <Sales />
    case 'status':
      return <RouterStatus />
    case 'faults':
      return <Faults />
    case 'story':
      return <Story />
  }
}

function FleetHead() {
  return (
    <div class="about">
      <h2>The fleet</h2>
      <p class="faint">Choose a router to see its devices.</p>
    </div>
  )
}

function RouterHead({ id }: { id: string }) {
  void version.value
  const row = rows.get(id)
  const known = detail.value?.id === id ? detail.value : undefined
  const state = row && stateOf(row, serverNow())
  const since = known?.status?.since
  return (
    <div class="about">
      <div class="title">
        <h2>{id}</h2>
        {state && <span class={`state is-${state}`}>{state}</span>}
        {state === 'silent' && row && <span class="faint">for {duration(serverNow() - row.heardAt)}</span>}
        {state !== 'silent' && since && <span class="faint">since {moment(since, new Date())}</span>}
        <span class="faint">{row?.portal}</span>
        <span class="room" />
        {!server.value.isReadOnly && (
          <button
            type="button"
            class="main"
            onClick={() =>
              (isAskedFor.value = { kind: 'buy', router: id, ...(known?.byHand && { mac: known.byHand }) })
            }
          >
            Buy
          </button>
        )}
        <button
          type="button"
          class="quiet"
          aria-label="Back to the fleet"
          title="Back to the fleet (Esc)"
          onClick={() => select(undefined)}
        >
          ✕
        </button>
      </div>
      {!row && <p class="warning">Nobody has heard of this router.</p>}
      {row?.warnings.map((warning) => (
        <p key={warning} class="warning">
          {warning}
        </p>
      ))}
      {known && <RatePlot {...known.rates} />}
    </div>
  )
}
