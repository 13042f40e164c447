// Proves what a browser is sent: small, and by itself complete.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'

const folder = 'dist/page'
const files = readdirSync(folder).map((name) => ({ name, bytes: readFileSync(join(folder, name)) }))

it('has less than 60 kB, compressed', () => {
  const sizes = files.map(({ bytes }) => gzipSync(bytes, { level: 9 }).length)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(60_000)
})

it('has no script and no style in the page itself, and asks nobody else for anything', () => {
  const page = String(files.find(({ name }) => name === 'index.html')?.bytes)
  const tags = page.match(/<(?:script|style|link|img)[^>]*>(?:<\/script>)?/g) ?? []
  expect(tags).toHaveLength(3)
  expect(tags.filter((tag) => !/(?:src|href)="\.\/[\w.-]+"/.test(tag))).toEqual([])
  expect(page).not.toMatch(/\son\w+=|\sstyle=/)
  const addresses = files.flatMap(({ bytes }) => String(bytes).match(/https?:\/\/[^\s"'`)]+/g) ?? [])
  // Names of XML, which nobody fetches.
  expect(addresses.filter((address) => !address.startsWith('http://www.w3.org/'))).toEqual([])
})
