// The settings: a TOML file and environment variables (which win), read into one value or into one list of problems.
import { parse as parseToml } from 'smol-toml'
import * as z from 'zod'
import type { ListenAddress } from '../metrics/address.ts'
import type { Price, RouterId } from '../protocol/index.ts'
import type { UnpaidPolicy } from './lookout/gate-plan.ts'
import type { LookSettings } from './lookout/when-to-look.ts'
import type { Tariff } from './merchant/purchase-session.ts'
import { fileVariable, isSetting, keyOf, type Setting, type SettingName, settings } from './settings.ts'

export interface Config extends LookSettings {
  routerId: RouterId
  topicPrefix: string
  mqtt: {
    /** Of one broker or cluster, in the order in which they are tried. */
    urls: string[]
    version: 4 | 5
    username?: string
    passwordFile?: string
    caFile?: string
    certFile?: string
    keyFile?: string
  }
  stateDir: string
  portal: {
    kind: 'auto' | 'nodogsplash' | 'opennds'
    transport: 'exec' | 'socket'
    ndsctl: string
    timeoutMilliseconds: number
    socket: string
  }
  guard: { use: 'auto' | 'nftables' | 'off'; nft: string }
  /** Files of the keys that purchases and commands must be signed by. */
  keys: { purchases?: string; commands?: string }
  journal: { mostDays: number; mostBytes: number }
  usageIntervalMilliseconds: number
  checkpointIntervalMilliseconds: number
  refusalsPerMinute: number
  tariff: Tariff
  /** How long a paid rest waits for its device, in days of the agent's running time; 0 for ever. */
  abandonedDays: number
  unpaid: UnpaidPolicy
  /** Where metrics are answered; nowhere without it. */
  metricsListen?: ListenAddress
  logLevel: string
  /** Where none is given: text on a terminal. */
  logFormat?: 'json' | 'text'
  /** Warnings about the settings, for a person. */
  warnings: string[]
}

export type ReadConfig = { config: Config } | { problems: string[] }

/** Facts about the machine that `readConfig` may be told; by default every file is there. */
export interface Surroundings {
  isThere?: (path: string) => boolean
}

/**
 * Reads the settings. A key of the file is the variable's name in lower case without `AGENT_`; `prices` in the file is a
 * list of `{ unit, price_per_step, min_steps, source }`. Every bad setting is named by its variable, and by its key and line
 * where it stands in the file, with what to give instead; variables that only look like settings are warned of.
 */
export function readConfig(
  env: Record<string, string | undefined>,
  toml = '',
  { isThere = () => true }: Surroundings = {},
): ReadConfig {
  let file: Record<string, unknown>
  try {
    file = parseToml(toml)
  } catch (cause) {
    return { problems: [notToml(cause)] }
  }
  const fromFile = Object.fromEntries(Object.entries(file).map(([key, value]) => [`AGENT_${key.toUpperCase()}`, value]))
  const fromEnv = Object.fromEntries(Object.entries(env).filter(([key, value]) => isOurs(key) && value !== ''))
  const given = { ...fromFile, ...fromEnv }
  const where = (name: string) => (name in fromEnv || !(name in fromFile) ? '' : ` (${placeOf(name, toml)})`)
  const parsed = Settings.safeParse(given)
  const strangers = Object.keys(fromEnv).filter((name) => !isSetting(name))
  const problems = [
    ...badSettings(parsed.error, given).map(([name, text]) => `${name}: ${text}${where(name)}`),
    ...strangersInFile(Object.keys(file), toml),
    ...strangers.flatMap((name) => misspelt(name)),
    ...missingFiles(given, isThere).map(([name, text]) => `${name}: ${text}${where(name)}`),
    ...samePrices(parsed.data?.AGENT_PRICES ?? []).map((text) => `AGENT_PRICES: ${text}${where('AGENT_PRICES')}`),
    ...halfCertificate(given),
  ]
  if (!parsed.success || problems.length > 0) return { problems }
  const oneByEnv = ['AGENT_PRICE_UNIT', 'AGENT_PRICE_PER_STEP', 'AGENT_MIN_STEPS'].some((name) => name in fromEnv)
  const warnings = strangers.map((name) => `${name} looks like a setting of the agent and is none: see --help`)
  return { config: { ...configFrom(parsed.data, oneByEnv), warnings } }
}

type Shape = { [K in SettingName]: (typeof settings)[K]['schema'] }
const Settings = z.object(
  Object.fromEntries(Object.entries(settings).map(([name, { schema }]) => [name, schema])) as unknown as Shape,
)

const isOurs = (name: string): boolean => name.startsWith('AGENT_') && name !== fileVariable

function notToml(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause)
  const { line, column } = Object(cause)
  const where = typeof line === 'number' ? ` in line ${line}, column ${column}` : ''
  return `the configuration file is not TOML${where}: ${message.split('\n')[0]}`
}

/** Each bad setting once, with what to give instead. */
function badSettings(error: z.ZodError | undefined, given: Record<string, unknown>): [string, string][] {
  const names = new Set(error?.issues.map(({ path }) => String(path[0])))
  return [...names].map((name) => {
    const { wants } = settings[name as SettingName]
    const value = given[name]
    return [name, value === undefined ? `is missing: give ${wants}` : `cannot be ${shown(value)}: give ${wants}`]
  })
}

const mostShown = 80

// A password may stand in an address.
function shown(value: unknown): string {
  const text = JSON.stringify(value)?.replaceAll(/\/\/[^/@\s"]*@/g, '//…@') ?? String(value)
  return text.length > mostShown ? `${text.slice(0, mostShown)}…` : text
}

function strangersInFile(keys: readonly string[], toml: string): string[] {
  return keys
    .filter((key) => !isSetting(`AGENT_${key.toUpperCase()}`) || key !== key.toLowerCase())
    .map((key) => {
      const like = nearest(key.toLowerCase(), Object.keys(settings).map(keyOf))
      const hint = like === undefined ? ': see --help' : `; did you mean ${like}?`
      return `key ${key}, line ${lineOf(key, toml)}: there is no such setting${hint}`
    })
}

/** A variable that is nearly a setting is a mistake: an agent without its password would look for it in vain. */
function misspelt(name: string): string[] {
  const like = nearest(name, [...Object.keys(settings), fileVariable])
  return like === undefined ? [] : [`${name}: there is no such setting; did you mean ${like}?`]
}

function missingFiles(given: Record<string, unknown>, isThere: (path: string) => boolean): [string, string][] {
  return Object.entries<Setting>(settings).flatMap(([name, { isFile }]): [string, string][] => {
    const path = given[name]
    if (!isFile || typeof path !== 'string' || isThere(path)) return []
    return [[name, `there is no file ${path} that can be read`]]
  })
}

function samePrices(prices: readonly Price[]): string[] {
  const names = prices.map(({ unit, source }) => (source === undefined ? unit : `${unit} from ${source}`))
  const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index))
  return [...twice].map((name) => `there are two prices for ${name}: leave one of them`)
}

function halfCertificate(given: Record<string, unknown>): string[] {
  const pair = ['AGENT_MQTT_CERT_FILE', 'AGENT_MQTT_KEY_FILE'] as const
  const missing = pair.filter((name) => given[name] === undefined)
  return missing.length === 1
    ? [`${missing[0]}: is missing: a certificate needs its key, and a key its certificate`]
    : []
}

function placeOf(name: string, toml: string): string {
  const key = keyOf(name)
  return `key ${key}, line ${lineOf(key, toml)}`
}

// The line in which a key of the file begins; dotted and quoted spellings too.
function lineOf(key: string, toml: string): number {
  const start = new RegExp(`^\\s*(\\[{1,2}\\s*)?["']?${key.replaceAll(/[^\w-]/g, '.')}["']?\\s*[=.\\]]`, 'i')
  return toml.split('\n').findIndex((line) => start.test(line)) + 1
}

const mostLettersOff = 2

function nearest(name: string, names: readonly string[]): string | undefined {
  const distances = names.map((candidate) => ({ candidate, distance: lettersBetween(name, candidate) }))
  const best = distances.sort((a, b) => a.distance - b.distance)[0]
  return best && best.distance <= mostLettersOff ? best.candidate : undefined
}

/** How many letters must be put in, left out or changed to make one word of another. */
function lettersBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries()) {
      next.push(Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)))
    }
    row = next
  }
  return row.at(-1) ?? 0
}

function configFrom(read: z.output<typeof Settings>, oneByEnv: boolean): Omit<Config, 'warnings'> {
  const { AGENT_PRICE_UNIT: unit, AGENT_PRICE_PER_STEP: pricePerStep, AGENT_MIN_STEPS: minSteps } = read
  const one: Price[] = [{ unit, pricePerStep, minSteps }]
  return {
    routerId: read.AGENT_ROUTER_ID,
    topicPrefix: read.AGENT_TOPIC_PREFIX,
    mqtt: {
      urls: read.AGENT_MQTT_URL,
      version: read.AGENT_MQTT_VERSION,
      ...given('username', read.AGENT_MQTT_USERNAME),
      ...given('passwordFile', read.AGENT_MQTT_PASSWORD_FILE),
      ...given('caFile', read.AGENT_MQTT_CA_FILE),
      ...given('certFile', read.AGENT_MQTT_CERT_FILE),
      ...given('keyFile', read.AGENT_MQTT_KEY_FILE),
    },
    stateDir: read.AGENT_STATE_DIR,
    portal: {
      kind: read.AGENT_PORTAL,
      transport: read.AGENT_PORTAL_TRANSPORT,
      ndsctl: read.AGENT_NDSCTL,
      timeoutMilliseconds: read.AGENT_NDSCTL_TIMEOUT_MS,
      socket: read.AGENT_NDS_SOCKET,
    },
    guard: { use: read.AGENT_GUARD, nft: read.AGENT_NFT },
    keys: { ...given('purchases', read.AGENT_PURCHASE_KEYS), ...given('commands', read.AGENT_COMMAND_KEYS) },
    journal: { mostDays: read.AGENT_JOURNAL_MAX_DAYS, mostBytes: read.AGENT_JOURNAL_MAX_BYTES },
    lookIntervalMilliseconds: read.AGENT_LOOK_INTERVAL_MS,
    nearIntervalMilliseconds: Math.min(read.AGENT_NEAR_INTERVAL_MS, read.AGENT_LOOK_INTERVAL_MS),
    linkMegabits: read.AGENT_LINK_MBIT,
    usageIntervalMilliseconds: read.AGENT_USAGE_INTERVAL_MS,
    checkpointIntervalMilliseconds: read.AGENT_CHECKPOINT_INTERVAL_MS,
    refusalsPerMinute: read.AGENT_REFUSALS_PER_MINUTE,
    tariff: {
      metric: read.AGENT_METRIC,
      stepSize: read.AGENT_STEP_SIZE,
      prices: oneByEnv ? one : (read.AGENT_PRICES ?? one),
      directGrants: read.AGENT_DIRECT_GRANTS,
    },
    abandonedDays: read.AGENT_ABANDONED_DAYS,
    unpaid: read.AGENT_UNPAID,
    ...given('metricsListen', read.AGENT_METRICS_LISTEN),
    logLevel: read.AGENT_LOG_LEVEL,
    ...given('logFormat', read.AGENT_LOG_FORMAT),
  }
}

function given<K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]: V })
}
