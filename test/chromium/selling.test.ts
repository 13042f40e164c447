// Proves in a real browser that the page sells, steers and tells: a purchase opens a gate, which shuts; sessions are paused, moved and
// ended; the story of a purchase goes on by itself.
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { aBrowser, type OpenPage, type RunningBrowser } from './a-browser.ts'
import { aSite, byHandOf, type Site } from './a-site.ts'

let browser: RunningBrowser
let site: Site
let open: OpenPage
beforeAll(async () => {
  browser = await aBrowser()
})
afterAll(() => browser.close())
beforeEach(async () => {
  site = await aSite(2)
  open = await browser.open(`${site.url}?router=r1`)
})
afterEach(async () => {
  const { complaints } = open
  await open.page.context().close()
  await site.close()
  expect(complaints).toEqual([])
})

const mac = byHandOf('r1')
const gateOf = (page: Page) => page.locator('.devices tbody tr').first().locator('.gate')
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })

async function buy(page: Page, amount: string, from = 'Buy'): Promise<void> {
  await button(page, from).first().click()
  const dialog = page.getByRole('dialog')
  expect(await dialog.getByLabel('Device').inputValue()).toBe(mac)
  await dialog.getByLabel('Amount').fill(amount)
  await dialog.getByRole('button', { name: 'Buy', exact: true }).click()
  await dialog.getByText(/^sold: /).waitFor()
  await button(page, 'Done').click()
}

it('buys for a device, and sees its gate open and shut', async () => {
  const { page } = open
  await page.getByText('No device has anything left here.').waitFor()
  await buy(page, '1')
  await gateOf(page)
    .filter({ hasText: /^open$/ })
    .waitFor()
  // A small purchase is used up within seconds.
  await page.getByText('No device has anything left here.').waitFor()
  await page.getByRole('tab', { name: 'events' }).click()
  await page.getByText(`${mac} is offline: allotment-used`).waitFor()
  await page.getByRole('tab', { name: 'sales' }).click()
  await page.getByRole('row', { name: /\d{4}-\d\d-\d\d sat 1 22.0 MB 1 0/ }).waitFor()
})

it('pauses, resumes, tops up, moves and ends a session', async () => {
  const { page } = open
  await buy(page, '90')
  await gateOf(page)
    .filter({ hasText: /^open$/ })
    .waitFor()
  await button(page, 'Pause').click()
  await gateOf(page).filter({ hasText: 'shut, paused' }).waitFor()
  await button(page, 'Resume').click()
  await gateOf(page)
    .filter({ hasText: /^open$/ })
    .waitFor()
  await buy(page, '2', 'Top up')
  await expect.poll(() => page.locator('.lots li').count()).toBe(2)
  await button(page, 'Move').click()
  const to = '02:74:00:01:00:77'
  await page.getByLabel('To the MAC address').fill(to)
  await page.getByRole('dialog').getByRole('button', { name: 'Move', exact: true }).click()
  await page.locator('.devices').getByText(to).waitFor()
  await gateOf(page).filter({ hasText: 'shut, waits for device' }).waitFor()
  await button(page, 'End').click()
  await button(page, 'End it').click()
  await page.getByText('No device has anything left here.').waitFor()
  await page.getByText(`r1: the session of ${to} is ended`).waitFor()
})

it('tells the story of a purchase, which goes on by itself', async () => {
  const { page } = open
  await buy(page, '4')
  await page.locator('.lots').getByRole('button', { name: 'Story' }).click()
  await page.locator('.story li').filter({ hasText: /gate/i }).first().waitFor()
  await page.getByText('It goes on.').waitFor()
  const before = await page.locator('.story li').count()
  await page.getByText('This is the end of it.').waitFor()
  expect(await page.locator('.story li').count()).toBeGreaterThan(before)
  expect(page.url()).toContain('story=page-')
})

it('says why a purchase is refused, and sells nothing', async () => {
  const { page } = open
  await button(page, 'Buy').click()
  await page.getByRole('dialog').getByLabel('Device').fill('not a device')
  await page.getByRole('dialog').getByRole('button', { name: 'Buy', exact: true }).click()
  await page.getByText('mac cannot be "not a device"').waitFor()
  // A refusal of the server is no fault of the page.
  expect(open.complaints.splice(0).every((text) => text.includes('400'))).toBe(true)
})
