// Proves in a real browser that faults are put into the simulated fleet at a click, and that the page shows what the agent does about
// each until it is over.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runFleet } from '../../broker-dev/fleet/fleet.ts'
import { parseFleetArguments } from '../../broker-dev/fleet/fleet-arguments.ts'
import { silentScreen } from '../../broker-dev/fleet/screen.ts'
import { aBrowser, type OpenPage, type RunningBrowser } from './a-browser.ts'

// A second of ours is ten of theirs.
const line = '--port 0 --page-port 0 --routers 2 --devices 6 --flavour opennds --speed 10'

let browser: RunningBrowser
let open: OpenPage
let ended: Promise<unknown>
const end = new AbortController()
const stateDir = mkdtempSync(join(tmpdir(), 'tollgate-chromium-'))
beforeAll(async () => {
  browser = await aBrowser()
  const asked = parseFleetArguments(line.split(' '))
  if (!('options' in asked)) throw new Error('these arguments are wrong')
  const address = await new Promise<string>((found, lost) => {
    ended = runFleet(asked.options, {
      screen: silentScreen,
      print: () => {},
      end: end.signal,
      stateDir,
      programs: { agent: 'none', ndsctl: 'none', machine: 'none' },
      pageFolder: 'dist/page',
      opened: ({ page }) => found(page ?? ''),
    })
    ended.catch(lost)
  })
  open = await browser.open(`${address}?router=r1&tab=faults`)
})
afterAll(async () => {
  await browser.close()
  end.abort()
  await ended
  rmSync(stateDir, { recursive: true, force: true })
})

test.each([
  { name: 'kill the agent', answer: /agent started: after-crash/, isSeen: /^offline/ },
  { name: 'restart the portal', answer: /a gate is open again/ },
  { name: 'fill the disk', answer: /the disk refuses writes/, isSeen: /^degraded/ },
])('$name: the page shows the answer, and that it is over', async ({ name, answer, isSeen }) => {
  const { page } = open
  await page.getByText('online', { exact: true }).first().waitFor()
  await expect.poll(() => page.locator('#router-r1 .sessions').innerText()).not.toBe('0')
  await page.getByRole('button', { name, exact: true }).click()
  const record = page.locator('.fault').filter({ hasText: name }).first()
  if (isSeen) await page.locator('#router-r1').filter({ hasText: isSeen }).waitFor()
  await record.locator('li').filter({ hasText: answer }).first().waitFor()
  await record.getByText('over', { exact: true }).waitFor()
  await page
    .locator('#router-r1')
    .filter({ hasText: /^online/ })
    .waitFor()
  expect(await page.getByRole('button', { name, exact: true }).getAttribute('aria-pressed')).toBe('false')
  expect(open.complaints).toEqual([])
})
