// The package that `npm run package` has made last.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

const { version } = JSON.parse(readFileSync('package.json', 'utf8'))

export const shippedPackage = (): string => resolve(`dist/packages/tollgate-fleet_${version}_amd64.deb`)
