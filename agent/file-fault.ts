// Why a file cannot be read, in words that follow its name.

const reasons: Record<string, string> = {
  ENOENT: 'is not there',
  EACCES: 'may not be read by the user that the agent runs as',
  EPERM: 'may not be read by the user that the agent runs as',
  EISDIR: 'is a folder, not a file',
  ENOTDIR: 'lies below something that is no folder',
  ELOOP: 'is a link that leads to itself',
  EIO: 'cannot be read: its disk fails',
  EMFILE: 'cannot be read: the agent has too many files open',
}

/** The system's own code stands behind the words, for a search. */
export function fileFaultInWords(err: unknown): string {
  const { code, message } = Object(err)
  if (typeof code !== 'string') return `cannot be read: ${message ?? err}`
  return `${reasons[code] ?? 'cannot be read'} (${code})`
}
