// Rows as CSV by RFC 4180; an empty text is told from one that is not there.

export function csvLine(row: readonly (string | null)[]): string {
  return `${row.map(field).join(',')}\r\n`
}

function field(text: string | null): string {
  if (text === null) return ''
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
