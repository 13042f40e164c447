// Where a program listens, as people write it: an address and a port.

export interface ListenAddress {
  host: string
  port: number
}

/** `127.0.0.1:9464`, `[::1]:9464`; undefined when it is neither. */
export function listenAddressOf(text: string): ListenAddress | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  return host !== undefined && port <= 65_535 ? { host, port } : undefined
}
