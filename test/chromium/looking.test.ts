// Proves in a real browser that the page shows a fleet: filters in its address, silence by the clock, keys alone, both themes for
// everybody, and nothing without the token.
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest'
import { aBrowser, type OpenPage, type RunningBrowser } from './a-browser.ts'
import { servePage } from './a-site.ts'
import { type ScriptedFleet, scriptedFleet } from './scripted-fleet.ts'

let browser: RunningBrowser
beforeAll(async () => {
  browser = await aBrowser()
})
afterAll(() => browser.close())

let fleet: ScriptedFleet
const ends: (() => Promise<unknown>)[] = []
const opened: OpenPage[] = []
afterEach(async () => {
  const complaints = opened.splice(0).flatMap((open) => open.complaints)
  for (const end of ends.splice(0).reverse()) await end()
  expect(complaints).toEqual([])
})

async function aPage(query = '', options: Parameters<typeof servePage>[1] = {}) {
  const { address } = await aServer(options)
  return { address, ...(await openAt(`${address}${query}`)) }
}

async function aServer(options: Parameters<typeof servePage>[1] = {}) {
  fleet = scriptedFleet(40)
  const { url: address, close } = await servePage(fleet.fleet, options)
  ends.push(close)
  return { address }
}

async function openAt(address: string, options = {}): Promise<OpenPage> {
  const open = await browser.open(address, options)
  ends.push(() => open.page.context().close())
  opened.push(open)
  return open
}

const rows = (page: Page) => page.locator('.line.row')
const idsOf = (page: Page) => page.locator('.line.row .id').allInnerTexts()
const chip = (page: Page, state: string) =>
  page.locator('.chips').getByRole('button', { name: new RegExp(`^${state}`) })

it('filters, searches and puts in order, and whoever opens the address sees the same', async () => {
  const { page } = await aPage()
  await expect.poll(() => idsOf(page)).toContain('r10')
  expect(await chip(page, 'online').innerText()).toBe('online 38')
  expect(await chip(page, 'degraded').innerText()).toBe('degraded 1')
  await chip(page, 'degraded').click()
  await expect.poll(() => idsOf(page)).toEqual(['r2'])
  await chip(page, 'offline').click()
  await expect.poll(() => idsOf(page)).toEqual(['r2', 'r3'])
  await page.getByRole('button', { name: 'Router', exact: false }).first().click()
  await page.getByLabel('Search routers').fill('r')
  await page.locator('#router-r3').click()
  await page.getByRole('tab', { name: 'status' }).click()
  const { page: another } = await openAt(page.url())
  await expect.poll(() => idsOf(another)).toEqual(await idsOf(page))
  expect(await another.getByLabel('Search routers').inputValue()).toBe('r')
  expect(await another.locator('[aria-selected=true]').allInnerTexts()).toEqual([
    expect.stringContaining('r3'),
    'Status',
  ])
  await page.goBack()
  await page.goBack()
  await page.getByText('Choose a router to see its devices.').waitFor()
})

it('says that a router is silent by the clock, although nothing tells it', async () => {
  const { page } = await aPage()
  await expect.poll(() => rows(page).count()).toBeGreaterThan(10)
  fleet.silence('r5')
  await page.locator('#router-r5').filter({ hasText: 'silent' }).waitFor()
  expect(await chip(page, 'silent').innerText()).toBe('silent 1')
  await page.locator('#router-r5').click()
  await page
    .locator('.panel')
    .getByText(/^for \d+ s$/)
    .waitFor()
})

it('shows events as they come, filtered and held', async () => {
  const { page } = await aPage()
  await expect.poll(() => page.locator('.event').count()).toBeGreaterThan(5)
  await page.getByLabel('Which events').selectOption('purchase')
  await expect
    .poll(async () => (await page.locator('.event .text').allInnerTexts()).every((text) => /bought/.test(text)))
    .toBe(true)
  await page.getByLabel('Search events').fill('r7')
  await expect.poll(async () => [...new Set(await page.locator('.event .id').allInnerTexts())]).toEqual(['r7'])
  await page.getByRole('button', { name: 'Hold' }).click()
  const held = await page.locator('.event .text').allInnerTexts()
  const before = fleet.told('r7')
  await expect.poll(() => fleet.told('r7')).toBeGreaterThan(before + 2)
  expect(await page.locator('.event .text').allInnerTexts()).toEqual(held)
  await page.getByRole('button', { name: 'Held' }).click()
  await expect.poll(async () => (await page.locator('.event').count()) > held.length).toBe(true)
})

it('takes a router that is retired out of the table', async () => {
  const { page } = await aPage('?q=r4')
  await expect.poll(() => idsOf(page)).toContain('r4')
  fleet.retire('r4')
  await expect.poll(() => idsOf(page), { timeout: 20_000 }).not.toContain('r4')
})

it('is used by keys alone', async () => {
  const { page } = await aPage()
  await expect.poll(() => rows(page).count()).toBeGreaterThan(10)
  const { keyboard } = page
  await keyboard.press('j')
  await keyboard.press('j')
  await page.getByRole('heading', { name: 'r2', exact: true }).waitFor()
  await keyboard.press('k')
  await page.getByRole('heading', { name: 'r1', exact: true }).waitFor()
  await keyboard.press('End')
  await page.getByRole('heading', { name: 'r40', exact: true }).waitFor()
  await page.locator('#router-r40').waitFor()
  await keyboard.press('Home')
  await keyboard.press('e')
  await page.getByRole('tab', { name: 'events', selected: true }).waitFor()
  await keyboard.press('b')
  await page.getByRole('dialog', { name: 'Buy at r1' }).waitFor()
  await keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await keyboard.press('2')
  await expect.poll(() => idsOf(page)).toEqual(['r2'])
  await keyboard.press('0')
  await keyboard.press('/')
  await keyboard.type('r17')
  await expect.poll(() => idsOf(page)).toEqual(['r17'])
  await keyboard.press('Escape')
  await keyboard.press('Escape')
  await page.getByText('Choose a router to see its devices.').waitFor()
  await keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keys' }).waitFor()
  await keyboard.press('Escape')
  // With Tab: from the search over the chips and the heads of the table into the panel, each with a ring around it.
  await page.getByLabel('Search routers').focus()
  for (let press = 0; press < 25; press++) await keyboard.press('Tab')
  expect(await page.locator('.panel :focus-visible').count()).toBe(1)
  expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid')
})

describe('is for everybody', () => {
  const views = [
    '',
    '?router=r1',
    '?router=r1&tab=status',
    '?router=r2&tab=events',
    '?tab=sales',
    '?router=r1&device=s-r1-0',
  ]

  const judging = `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => id + ': ' + html + ' ' + failureSummary)))`

  test.each([['light'], ['dark']] as const)('in the %s theme', async (colorScheme) => {
    const { address } = await aServer()
    const { page } = await openAt(address, { colorScheme })
    await rows(page).first().waitFor()
    // In the page's own world: the page lets no other script in.
    await page.evaluate(axe.source)
    for (const view of views) {
      await page.evaluate(`history.pushState(null, '', '/${view}'); dispatchEvent(new PopStateEvent('popstate'))`)
      await page.locator('.shown td, .shown [role=cell], .shown dd').first().waitFor()
      expect([view, await page.evaluate(judging)]).toEqual([view, []])
    }
    for (const key of ['b', '?']) {
      await page.keyboard.press(key)
      await page.getByRole('dialog').waitFor()
      expect([key, await page.evaluate(judging)]).toEqual([key, []])
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
    }
  })

  it('in a theme of their own choice, which stays', async () => {
    const { page, address } = await aPage()
    const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor')
    const light = await ground()
    await page.keyboard.press('t')
    await page.keyboard.press('t')
    await expect.poll(ground).not.toBe(light)
    await page.goto(address)
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark')
  })
})

it('shows nothing without the token, and takes it out of the address', async () => {
  const { address } = await aServer({ token: 'a-secret-of-the-test-run' })
  const [bare = ''] = address.split('#')
  const { page, complaints } = await openAt(bare)
  await page.getByLabel('Token').fill('another one')
  await page.getByRole('button', { name: 'Open' }).click()
  await page.getByText('this is not the token').waitFor()
  expect(await rows(page).count()).toBe(0)
  await page.getByLabel('Token').fill('a-secret-of-the-test-run')
  await page.getByRole('button', { name: 'Open' }).click()
  await rows(page).first().waitFor()
  expect(complaints.splice(0).every((text) => text.includes('401'))).toBe(true)
  const { page: led } = await openAt(address)
  await rows(led).first().waitFor()
  expect(led.url()).toBe(bare)
})

it('only looks where it is told to', async () => {
  const { page } = await aPage('?router=r1&device=s-r1-0', { isReadOnly: true })
  await page.getByText('read only').waitFor()
  await page.locator('.device').waitFor()
  for (const name of ['Buy', 'Top up', 'Pause', 'Move', 'End']) {
    expect(await page.getByRole('button', { name, exact: true }).count()).toBe(0)
  }
})

it('says when the server is away, and goes on when it is back', async () => {
  const { page, complaints, address } = await aPage()
  await page.getByText('live', { exact: true }).waitFor()
  await ends.splice(0, 1)[0]?.()
  await page.getByText('no server, trying again').waitFor()
  const port = Number(new URL(address).port)
  const { close } = await servePage(fleet.fleet, { address: { host: '127.0.0.1', port } })
  ends.unshift(close)
  await page.getByText('live', { exact: true }).waitFor()
  expect(complaints.splice(0).every((text) => /ERR_|fetch/i.test(text))).toBe(true)
})
