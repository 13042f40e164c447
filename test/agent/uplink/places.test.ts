// Proves where a broker is looked for: at every address of every URL, in order.
import { expect, test } from 'vitest'
import { placesOf } from '../../../agent/uplink/places.ts'

const names: Record<string, string[]> = { cluster: ['10.0.0.1', '10.0.0.2'], alone: ['10.0.0.9'] }
const resolve = async (name: string) => {
  const addresses = names[name]
  if (!addresses) throw new Error('ENOTFOUND')
  return addresses
}

test.each([
  { when: 'one address', urls: ['mqtt://alone'], places: [{ url: 'mqtt://alone' }] },
  {
    when: 'a name with several',
    urls: ['mqtts://cluster:8883'],
    places: ['10.0.0.1', '10.0.0.2'].map((address) => ({ url: 'mqtts://cluster:8883', address })),
  },
  {
    when: 'a list, one of which nobody knows',
    urls: ['mqtt://nobody', 'mqtt://cluster'],
    places: [
      { url: 'mqtt://nobody' },
      { url: 'mqtt://cluster', address: '10.0.0.1' },
      { url: 'mqtt://cluster', address: '10.0.0.2' },
    ],
  },
])('at $when', async ({ urls, places }) => {
  expect(await placesOf(urls, resolve)).toEqual(places)
})
