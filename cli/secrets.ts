// Secrets that are given as files.
import { readFileSync } from 'node:fs'
import { FleetError, type SigningKey } from '../client/index.ts'

export function readSecret(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw new FleetError('invalid-argument', `${option}: ${file} cannot be read`, cause)
  }
}

export function readKey(option: string, file: string): SigningKey {
  try {
    return JSON.parse(readSecret(option, file))
  } catch (cause) {
    if (cause instanceof FleetError) throw cause
    throw new FleetError('invalid-argument', `${option}: ${file} is no JWK`, cause)
  }
}
