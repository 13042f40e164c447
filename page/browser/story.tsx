// The story of one purchase, as its router tells it from its journal.
import { useEffect, useState } from 'preact/hooks'
import { view } from './address.ts'
import { type Answer, post } from './api.ts'
import { moment } from './format.ts'
import { events, eventsVersion } from './store.ts'

interface Told {
  purchaseId: string
  mac?: string
  complete: boolean
  ended: boolean
  story: { seq: number; at: string; text: string }[]
}
type Result = { status: 'ok'; data: Told } | { status: 'error'; code: string; message: string } | { status: 'unknown' }

export function Story() {
  const { router, story } = view.value
  const [answer, setAnswer] = useState<Answer<Result>>()
  void eventsVersion.value
  // Asked again when something happened to the session that it belongs to.
  const told = answer && 'body' in answer && answer.body.status === 'ok' ? answer.body.data : undefined
  const newest = told?.mac === undefined ? '' : (events.findLast(({ mac }) => mac === told.mac)?.id ?? '')
  useEffect(() => {
    let isWanted = true
    void post<Result>('explain', { router, purchaseId: story }).then((given) => {
      if (isWanted) setAnswer(given)
    })
    return () => {
      isWanted = false
    }
  }, [router, story, newest])
  if (!answer) return <p class="none">Asking {router} …</p>
  if ('problem' in answer) return <p class="warning">{answer.problem}</p>
  const { body } = answer
  if (body.status === 'unknown') return <p class="warning">{router} does not answer.</p>
  if (body.status === 'error') return <p class="warning">{body.message}</p>
  return <Timeline {...body.data} />
}

function Timeline({ purchaseId, mac, complete, ended, story }: Told) {
  return (
    <article class="story">
      <h3>
        Purchase <code>{purchaseId}</code> {mac && <span class="faint">for {mac}</span>}
      </h3>
      {!complete && <p class="warning">Its beginning is no longer in the journal.</p>}
      <ol>
        {story.map(({ seq, at, text }) => (
          <li key={`${seq} ${text}`}>
            <time dateTime={at}>{moment(at, new Date())}</time>
            <span>{text}</span>
          </li>
        ))}
      </ol>
      <p class="faint">{ended ? 'This is the end of it.' : 'It goes on.'}</p>
    </article>
  )
}
