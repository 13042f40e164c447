// Lists that are kept in the order of time and never longer than so many.

/** Puts it where its time belongs; the oldest go. Says whether it is in. */
export function insertInTime<Item extends { at: string }>(list: Item[], item: Item, most: number): boolean {
  const [oldest] = list
  if (list.length >= most && oldest && item.at < oldest.at) return false
  const after = list.findLastIndex(({ at }) => at <= item.at)
  list.splice(after + 1, 0, item)
  if (list.length > most) list.shift()
  return true
}
