// The frame of a dialog: the browser keeps the focus in it, closes it with Escape, and puts the focus back.
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { closeDialog } from './dialogs.ts'

export function Modal({ title, children }: { title: string; children: ComponentChildren }) {
  const element = useRef<HTMLDialogElement>(null)
  useEffect(() => element.current?.showModal(), [])
  return (
    <dialog ref={element} onClose={closeDialog} aria-labelledby="dialog-title">
      <div class="title">
        <h2 id="dialog-title">{title}</h2>
        <span class="room" />
        <button type="button" class="quiet" aria-label="Close" onClick={() => element.current?.close()}>
          ✕
        </button>
      </div>
      {children}
    </dialog>
  )
}
