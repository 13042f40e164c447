// Where the broker may be found: every address of every URL, in the order in which they are tried.
import { addressOf } from './address.ts'

export interface Place {
  url: string
  /** One of several addresses of the URL's name; absent where the system chooses. */
  address?: string
}

type Resolve = (name: string) => Promise<readonly string[]>

/** A name that cannot be resolved stays in the list: trying it says why. */
export async function placesOf(urls: readonly string[], resolve: Resolve = systemResolve): Promise<Place[]> {
  const places = await Promise.all(urls.map((url) => addressesOf(url, resolve)))
  return places.flat()
}

async function addressesOf(url: string, resolve: Resolve): Promise<Place[]> {
  const addresses = await resolve(addressOf(url).host ?? '').catch(() => [])
  return addresses.length > 1 ? addresses.map((address) => ({ url, address })) : [{ url }]
}

async function systemResolve(name: string): Promise<string[]> {
  const { isIP } = await import('node:net')
  if (isIP(name)) return [name]
  const { lookup } = await import('node:dns/promises')
  return (await lookup(name, { all: true })).map(({ address }) => address)
}
