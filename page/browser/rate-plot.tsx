// The traffic of a router over the last reports.
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { RouterDetail } from '../wire/wire.ts'
import { bytes, rate } from './format.ts'
import { theme } from './theme.ts'

const height = 92

export function RatePlot({ at, bytesPerSecond }: RouterDetail['rates']) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const { value: look } = theme
  useEffect(() => {
    const element = place.current
    if (!element) return
    const made = new uPlot({ ...looks(element), width: element.clientWidth, height }, [[], []], element)
    plot.current = made
    const watcher = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }))
    watcher.observe(element)
    return () => {
      watcher.disconnect()
      made.destroy()
    }
  }, [look])
  useEffect(() => plot.current?.setData([[...at], [...bytesPerSecond]]), [at, bytesPerSecond, look])
  const last = bytesPerSecond.at(-1) ?? 0
  return <div class="plot" ref={place} role="img" aria-label={`Traffic: ${rate(last)} at the last report`} />
}

function looks(element: HTMLElement): Omit<uPlot.Options, 'width' | 'height'> {
  const colour = (name: string) => getComputedStyle(element).getPropertyValue(name).trim()
  const axis = { stroke: colour('--faint'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } }
  const font = '11px system-ui, sans-serif'
  return {
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 8, 0, 0],
    scales: { y: { range: (_plot, _least, most) => [0, Math.max(most, 1000) * 1.1] } },
    axes: [
      { ...axis, font, size: 22 },
      { ...axis, font, size: 62, space: 26, values: (_plot, values) => values.map((value) => bytes(value)) },
    ],
    series: [{}, { stroke: colour('--accent'), fill: colour('--accent-wash'), width: 1.5, points: { show: false } }],
  }
}
