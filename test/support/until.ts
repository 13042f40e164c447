// Waits in real time for something outside this process.

/** Asks again and again until something outside this process is so. */
export async function until(isSo: () => Promise<boolean> | boolean, milliseconds = 10_000): Promise<void> {
  const end = Date.now() + milliseconds
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`not so within ${milliseconds} ms: ${isSo}`)
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
}
