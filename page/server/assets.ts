// The page's own files, as Vite built them: read once, compressed once.
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'

export interface Asset {
  type: string
  bytes: Buffer
  compressed: Buffer
  /** Its name says what is in it, so it never changes. */
  isNamedByContent: boolean
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** By path. Throws when the page is not built. */
export function readAssets(folder: string): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>()
  for (const name of readdirSync(folder)) {
    const type = types[extname(name)]
    if (type === undefined) continue
    const bytes = readFileSync(join(folder, name))
    const isPage = name === 'index.html'
    assets.set(isPage ? '/' : `/${name}`, {
      ...{ type, bytes, compressed: gzipSync(bytes, { level: 9 }) },
      isNamedByContent: /-[\w-]{8}\.\w+$/.test(name),
    })
  }
  if (!assets.has('/')) throw new Error(`${folder} has no index.html: npm run build makes it`)
  return assets
}
