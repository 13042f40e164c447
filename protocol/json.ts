// Messages as JSON: read from bytes, or refused in words.

/** Larger messages are refused unread. */
export const largestMessageBytes = 16 * 1024

// No message of the contract has half as many. Code that walks a value by calling itself, such as JSON.stringify, has a stack that ends.
const mostLevels = 32

/** A value within values, so deep that no message of the contract can be it. */
export function isTooDeep(value: unknown, levels = mostLevels): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((each) => isTooDeep(each, levels - 1))
}

/** One JSON object and its text, or why the message is none. `bytes`: its length, where the payload is only its beginning. */
export function parseJson(
  payload: Uint8Array,
  bytes: number,
  give: string,
): { content: object; text: string } | { fault: string } {
  if (bytes > largestMessageBytes) {
    return { fault: `the message has ${bytes} bytes: at most ${largestMessageBytes} are read` }
  }
  if (bytes === 0) return { fault: `the message is empty: send ${give}` }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(payload)
    const content: unknown = JSON.parse(text)
    const isObject = typeof content === 'object' && content !== null && !Array.isArray(content)
    if (!isObject) return { fault: 'the message is not one JSON object' }
    return isTooDeep(content)
      ? { fault: `the message is nested more than ${mostLevels} levels deep` }
      : { content, text }
  } catch {
    return { fault: 'the message is not JSON in UTF-8' }
  }
}
