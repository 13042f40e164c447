// Measures the page with many routers in a real browser: frames, long tasks and script, printed and never judged by time. Proved is that
// all of them are there, that few are in the page, and that scrolling finds the last.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { aBrowser, type RunningBrowser } from './a-browser.ts'
import { servePage } from './a-site.ts'
import { scriptedFleet } from './scripted-fleet.ts'

let browser: RunningBrowser
beforeAll(async () => {
  browser = await aBrowser()
})
afterAll(() => browser.close())

// A minute for the figures of the documents: MANY_ROUTERS_SECONDS=60.
const seconds = Number(process.env.MANY_ROUTERS_SECONDS ?? 5)

const watching = `
  window.seen = { frames: 0, tasks: [] }
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.seen.tasks.push(Math.round(duration))
  }).observe({ entryTypes: ['longtask'] })
  const tick = () => { window.seen.frames++; requestAnimationFrame(tick) }
  requestAnimationFrame(tick)`

// Each router reports once a second, or once in ten.
test.each([
  { count: 1000, interval: 1000 },
  { count: 10_000, interval: 10_000 },
])('$count routers', async ({ count, interval }) => {
  const { url, close } = await servePage(scriptedFleet(count, interval).fleet)
  const { page, complaints } = await browser.open(url)
  await expect.poll(() => page.locator('.grid').getAttribute('aria-rowcount')).toBe(String(count + 1))
  const profiler = await page.context().newCDPSession(page)
  await profiler.send('Performance.enable')
  const scripted = async () => {
    const { metrics } = await profiler.send('Performance.getMetrics')
    const of = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? 0
    return { script: of('ScriptDuration'), task: of('TaskDuration'), heap: of('JSHeapUsedSize') }
  }
  await page.evaluate(watching)
  const before = await scripted()
  await page.mouse.move(400, 400)
  for (let second = 0; second < seconds; second++) {
    await page.mouse.wheel(0, 900)
    await page.waitForTimeout(1000)
  }
  const after = await scripted()
  const { frames, tasks } = (await page.evaluate('window.seen')) as { frames: number; tasks: number[] }
  const script = ((after.script - before.script) * 1000) / Math.max(1, frames)
  console.log(
    `${count} routers, ${seconds} s: ${Math.round(frames / seconds)} frames a second, script ${script.toFixed(2)} ms a frame, ` +
      `main thread ${Math.round(((after.task - before.task) * 100) / seconds)} %, ` +
      `tasks over 50 ms: ${tasks.length} (longest ${Math.max(0, ...tasks)} ms), heap ${Math.round(after.heap / 1e6)} MB`,
  )
  expect(await page.locator('.line.row').count()).toBeLessThan(80)
  await page.keyboard.press('End')
  await page.locator(`#router-r${count}`).waitFor()
  expect(complaints).toEqual([])
  await page.context().close()
  await close()
})
