// Faults of the simulation at a click, and what came of each.
import type { FaultRecord } from '../wire/wire.ts'
import { view } from './address.ts'
import { post } from './api.ts'
import { say } from './dialogs.ts'
import { faults, server } from './store.ts'

export function Faults() {
  const { router = '' } = view.value
  const mine = faults.value.filter(({ routerId, target }) => target === 'fleet' || routerId === router)
  return (
    <div class="faults">
      <ul class="kinds">
        {server.value.kinds.map(({ id, name, does }) => (
          <li key={id}>
            <button
              type="button"
              title={does}
              aria-pressed={mine.some((record) => record.id === id && isThere(record))}
              onClick={() => inject(id, router)}
            >
              {name}
            </button>
          </li>
        ))}
      </ul>
      {mine.length === 0 && (
        <p class="none">Press one, and see what the agent does about it. Pressed again it is undone.</p>
      )}
      {mine.toReversed().map((record) => (
        <Record key={record.number} {...record} />
      ))}
    </div>
  )
}

function isThere({ healsAt, healed }: FaultRecord): boolean {
  return healsAt !== undefined && healed === undefined
}

function Record(record: FaultRecord) {
  const { name, routerId, at, did, reactions, healed } = record
  const after = (moment: number) => `+${((moment - at) / 1000).toFixed(1)} s`
  return (
    <article class="fault">
      <h3>
        {name} <span class="faint">{routerId}</span>
        <span class={isThere(record) ? 'there' : 'over'}>{isThere(record) ? 'is there' : 'over'}</span>
      </h3>
      <p class="faint">{did}</p>
      <ol>
        {reactions.map((reaction) => (
          <li key={`${reaction.at} ${reaction.text}`}>
            <span class="faint">{after(reaction.at)}</span>
            <span>
              {reaction.text}
              {reaction.times > 1 && <b> ×{reaction.times}</b>}
            </span>
          </li>
        ))}
        {healed && (
          <li class="healed">
            <span class="faint">{after(healed.at)}</span>
            <span>{healed.did}</span>
          </li>
        )}
      </ol>
    </article>
  )
}

async function inject(fault: string, router: string): Promise<void> {
  const answer = await post<{ did: string }>('fault', { fault, router })
  if ('problem' in answer) say(answer.problem, true)
  else say(`${router}: ${answer.body.did}`)
}
