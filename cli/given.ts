// The values that may be given on the command line: each is read from its text, or refused in words.
import { InvalidArgumentError } from 'commander'
import type { Partition } from '../client/index.ts'
import { type ListenAddress, listenAddressOf } from '../metrics/address.ts'
import { AnyMac } from '../protocol/index.ts'

export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Give a whole number.')
  return Number(text)
}

export function amount(text: string): number {
  if (text.trim() === '' || !Number.isFinite(Number(text))) throw new InvalidArgumentError('Give a number.')
  return Number(text)
}

export function macAddress(text: string): string {
  const mac = AnyMac.safeParse(text)
  if (!mac.success) throw new InvalidArgumentError('Give a MAC address such as ac:e0:10:12:2d:75.')
  return mac.data
}

export function listenAddress(text: string): ListenAddress {
  const address = listenAddressOf(text)
  if (!address) throw new InvalidArgumentError('Give an address and a port such as 127.0.0.1:9465.')
  return address
}

export function oneOf<T extends string>(values: readonly T[]): (text: string) => T {
  return (text) => {
    const value = values.find((one) => one === text)
    if (value === undefined) throw new InvalidArgumentError(`Give one of ${values.join(', ')}.`)
    return value
  }
}

export function keyName(text: string): string {
  if (!/^[\w.-]{1,64}$/.test(text)) throw new InvalidArgumentError('Give 1 to 64 of A-Z a-z 0-9 _ . -')
  return text
}

export function share(text: string): Partition {
  const [, index, of] = /^(\d+)\/(\d+)$/.exec(text) ?? []
  if (index === undefined || Number(index) >= Number(of))
    throw new InvalidArgumentError('Give a share such as 0/2 or 1/2.')
  return { index: Number(index), of: Number(of) }
}

export function commandJson(text: string): { command: string } {
  try {
    const content = JSON.parse(text)
    if (typeof content?.command === 'string') return content
  } catch {
    // The error below says what is wanted.
  }
  throw new InvalidArgumentError('Give a JSON object with a command.')
}

export function collect(text: string, before: string[] = []): string[] {
  return [...before, text]
}
