// The dialogs: buying, moving and ending a session, and the keys.
import { useState } from 'preact/hooks'
import { act } from './act.ts'
import { Buy } from './buy.tsx'
import { closeDialog, isAskedFor } from './dialogs.ts'
import { keys } from './keys.ts'
import { Modal } from './modal.tsx'

export function Dialog() {
  const { value: asked } = isAskedFor
  if (!asked) return null
  switch (asked.kind) {
    case 'buy':
      return <Buy key={`${asked.router} ${asked.mac}`} router={asked.router} mac={asked.mac ?? ''} />
    case 'move':
      return <Move router={asked.router} mac={asked.mac} />
    case 'end':
      return <End router={asked.router} mac={asked.mac} sessionId={asked.sessionId} />
    case 'help':
      return <Help />
  }
}

function End({ router, mac, sessionId }: { router: string; mac: string; sessionId: string }) {
  async function end(): Promise<void> {
    closeDialog()
    await act(router, { command: 'session.end', sessionId }, `the session of ${mac} is ended`)
  }
  return (
    <Modal title={`End the session of ${mac}?`}>
      <p>The gate shuts, and what is left is given up. Its last event tells how much that is, for a refund.</p>
      <div class="actions">
        <button type="button" class="danger" onClick={end}>
          End it
        </button>
        <button type="button" onClick={closeDialog}>
          Leave it
        </button>
      </div>
    </Modal>
  )
}

function Move({ router, mac }: { router: string; mac: string }) {
  const [to, setTo] = useState('')
  async function move(event: Event): Promise<void> {
    event.preventDefault()
    closeDialog()
    await act(router, { command: 'session.move', from: mac, to }, `${mac} goes on as ${to}`)
  }
  return (
    <Modal title={`Move the session of ${mac}`}>
      <form onSubmit={move}>
        <p>Another device goes on with what is left, for example a phone that has changed its MAC address.</p>
        <label>
          To the MAC address
          <input
            name="to"
            required
            value={to}
            placeholder="02:74:00:01:00:09"
            onInput={({ currentTarget }) => setTo(currentTarget.value)}
          />
        </label>
        <div class="actions">
          <button type="submit" class="main">
            Move
          </button>
          <button type="button" onClick={closeDialog}>
            Leave it
          </button>
        </div>
      </form>
    </Modal>
  )
}

function Help() {
  return (
    <Modal title="Keys">
      <dl class="facts">
        {keys.map(({ shown, about }) => (
          <>
            <dt>
              <kbd>{shown}</kbd>
            </dt>
            <dd>{about}</dd>
          </>
        ))}
      </dl>
    </Modal>
  )
}
