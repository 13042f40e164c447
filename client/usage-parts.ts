// Usage reports come in parts; a report counts when all its parts are here.
import type { Usage } from '../protocol/index.ts'

/** Adds a part to those of one router; the whole report when it was the last one missing. A part of a newer report replaces them. */
export function whole(parts: Map<number, Usage>, part: Usage): Usage | undefined {
  const [first] = parts.values()
  if (first && (first.at !== part.at || first.parts !== part.parts)) parts.clear()
  parts.set(part.part, part)
  if (parts.size < part.parts) return undefined
  const sessions = [...parts].sort(([a], [b]) => a - b).flatMap(([, one]) => one.sessions)
  parts.clear()
  return { ...part, part: 1, parts: 1, sessions }
}
