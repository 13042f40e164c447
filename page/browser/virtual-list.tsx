// A list of any length of which only what is in sight is in the page.
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core'
import type { ComponentChildren, RefObject } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'

export interface VirtualListProps {
  scroller: RefObject<HTMLElement | null>
  count: number
  height: number
  /** The height of what stands above the rows and stays in sight. */
  head?: number
  /** Brought into sight whenever it changes. */
  selected?: number
  row(index: number, style: Record<string, string>): ComponentChildren
}

export function VirtualList({ scroller, count, height, head = 0, selected = -1, row }: VirtualListProps) {
  const [, redraw] = useState(0)
  const made = useRef<Virtualizer<HTMLElement, Element>>(undefined)
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 8,
    scrollPaddingEnd: head,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => redraw((times) => times + 1),
  }
  made.current ??= new Virtualizer<HTMLElement, Element>(options)
  const virtualizer = made.current
  virtualizer.setOptions(options)
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer])
  useLayoutEffect(() => virtualizer._willUpdate())
  useEffect(() => {
    if (selected >= 0) virtualizer.scrollToIndex(selected, { align: 'auto' })
  }, [virtualizer, selected])
  return (
    <div class="virtual" role="rowgroup" style={{ height: `${virtualizer.getTotalSize()}px` }}>
      {virtualizer
        .getVirtualItems()
        .map(({ index, start }) => row(index, { transform: `translateY(${start}px)`, height: `${height}px` }))}
    </div>
  )
}
