// Lists that are too long for one message, in parts that are not.

/** Pieces of at most `mostBytes` of JSON and `mostEntries` entries, at least one piece; an entry is never divided. */
export function inParts<T>(entries: readonly T[], mostBytes: number, mostEntries = Number.POSITIVE_INFINITY): T[][] {
  const parts: T[][] = [[]]
  let bytes = 0
  for (const entry of entries) {
    const size = Buffer.byteLength(JSON.stringify(entry)) + 1
    const part = parts.at(-1) ?? []
    if (part.length > 0 && (bytes + size > mostBytes || part.length >= mostEntries)) {
      parts.push([entry])
      bytes = size
    } else {
      part.push(entry)
      bytes += size
    }
  }
  return parts
}
