// Packets as the broker counts them, and what an error of the MQTT client says.

/** Fixed header, topic, packet id and properties. */
export const packetOverhead = 16

export function packetBytes(topic: string, payload: string, correlationData?: Buffer): number {
  return Buffer.byteLength(payload) + Buffer.byteLength(topic) + packetOverhead + (correlationData?.length ?? 0)
}

/** The broker's reason code, where the error has one. */
export function codeOf(err: unknown): number | undefined {
  const code = (err as { code?: unknown } | null | undefined)?.code
  return typeof code === 'number' && code > 0 ? code : undefined
}

export const isReset = (err: Error): boolean =>
  ['ECONNRESET', 'EPIPE'].includes(String((err as { code?: unknown }).code))
