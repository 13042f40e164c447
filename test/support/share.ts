// How much of an enumeration a run goes through: a share of it by `npm test`, all of it by `npm run crash`.

export const isWhole = process.env.CRASH_WHOLE === '1'

/** The step from one sample to the next. */
export const everySo = (usual: number): number => (isWhole ? 1 : usual)

/** Whether the item with that index is one of the samples. */
export const isDue =
  (usual: number) =>
  (_: unknown, index: number): boolean =>
    index % everySo(usual) === 0
