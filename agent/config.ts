// The settings: a TOML file and environment variables (which win), read into one value or into one list of problems.
import { parse as parseToml } from 'smol-toml'
import * as z from 'zod'
import { Metric, Price, RouterId, TopicPrefix } from '../protocol/index.ts'
import type { UnpaidPolicy } from './merchant/gate-plan.ts'
import type { LookSettings } from './merchant/next-look.ts'
import type { Tariff } from './merchant/purchase-session.ts'

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
  journal: { mostDays: number; mostBytes: number }
  usageIntervalMilliseconds: number
  checkpointIntervalMilliseconds: number
  tariff: Tariff
  unpaid: UnpaidPolicy
  logLevel: string
  /** What a person should know about the settings, in words. */
  warnings: string[]
}

export type ReadConfig = { config: Config } | { problems: string[] }

/**
 * Reads the settings. A key of the file is the variable's name in lower case without `AGENT_`; `prices` in the file is a
 * list of `{ unit, price_per_step, min_steps, source }`. Every bad setting is named by its variable; `unknown` lists
 * variables that look like settings and are none.
 */
export function readConfig(env: Record<string, string | undefined>, toml = ''): ReadConfig {
  let file: Record<string, unknown>
  try {
    file = parseToml(toml)
  } catch (cause) {
    return { problems: [`the configuration file is not TOML: ${cause instanceof Error ? cause.message : cause}`] }
  }
  const fromFile = Object.fromEntries(Object.entries(file).map(([key, value]) => [`AGENT_${key.toUpperCase()}`, value]))
  const fromEnv = Object.fromEntries(Object.entries(env).filter(([key, value]) => isOurs(key) && value !== ''))
  const strangers = Object.keys(fromFile).filter((name) => !(name in Settings.shape))
  const parsed = Settings.safeParse({ ...fromFile, ...fromEnv })
  const problems = [
    ...(parsed.error?.issues.map(
      (issue) => `${issue.path[0] === 'AGENT_MQTT_URL' ? issue.path[0] : issue.path.join('.')}: ${issue.message}`,
    ) ?? []),
    ...strangers.map((name) => `${name}: there is no such setting`),
  ]
  if (!parsed.success || problems.length > 0) return { problems }
  const oneByEnv = ['AGENT_PRICE_UNIT', 'AGENT_PRICE_PER_STEP', 'AGENT_MIN_STEPS'].some((name) => name in fromEnv)
  const unknown = Object.keys(fromEnv).filter((name) => !(name in Settings.shape))
  const warnings = unknown.map((name) => `${name} looks like a setting and is none: see --help`)
  return { config: { ...configFrom(parsed.data, oneByEnv), warnings } }
}

const isOurs = (name: string): boolean => name.startsWith('AGENT_')

function wholeNumber(least: number, most: number = Number.MAX_SAFE_INTEGER) {
  const asNumber = (value: unknown) => (typeof value === 'string' && /^\d+$/.test(value.trim()) ? Number(value) : value)
  return z.preprocess(asNumber, z.int(`a whole number from ${least}`).min(least).max(most))
}
// A year: what is slower than that is a mistake.
const milliseconds = (least: number) => wholeNumber(least, 366 * 86_400_000)
const text = z.string().min(1)
const yesOrNo = z.preprocess(
  (value) => (value === 'true' ? true : value === 'false' ? false : value),
  z.boolean('true or false'),
)
const decimal = z.preprocess(
  (value) => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value),
  z.number('a number above 0').positive(),
)
const BrokerUrl = z
  .string()
  .regex(/^(mqtts?|wss?):\/\/[^/\s]+/, 'an address such as mqtt://127.0.0.1:1883 (mqtt, mqtts, ws or wss)')
  .refine((url) => URL.canParse(url), 'not an address')
const BrokerUrls = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',').map((url) => url.trim()) : value),
  z.array(BrokerUrl).min(1),
)

const FilePrice = z
  .strictObject({ unit: text, price_per_step: decimal, min_steps: wholeNumber(0).default(1), source: text.optional() })
  .transform((price): Price => Price.parse({ ...price, pricePerStep: price.price_per_step, minSteps: price.min_steps }))

const Settings = z.object({
  AGENT_ROUTER_ID: z.string("required: this router's id").pipe(RouterId),
  AGENT_MQTT_URL: BrokerUrls.default(['mqtt://127.0.0.1:1883']),
  AGENT_MQTT_USERNAME: text.optional(),
  AGENT_MQTT_PASSWORD_FILE: text.optional(),
  AGENT_MQTT_CA_FILE: text.optional(),
  AGENT_MQTT_CERT_FILE: text.optional(),
  AGENT_MQTT_KEY_FILE: text.optional(),
  AGENT_MQTT_VERSION: z.preprocess(Number, z.literal([4, 5], '4 (MQTT 3.1.1) or 5')).default(4),
  AGENT_TOPIC_PREFIX: TopicPrefix.default('router'),
  AGENT_STATE_DIR: text.default('./state'),
  AGENT_NDSCTL: text.default('ndsctl'),
  AGENT_NDSCTL_TIMEOUT_MS: milliseconds(1).default(5000),
  AGENT_PORTAL: z.enum(['auto', 'nodogsplash', 'opennds']).default('auto'),
  AGENT_PORTAL_TRANSPORT: z.enum(['exec', 'socket']).default('exec'),
  AGENT_NDS_SOCKET: text.default('/tmp/ndsctl.sock'),
  AGENT_LOOK_INTERVAL_MS: milliseconds(10).default(10_000),
  AGENT_NEAR_INTERVAL_MS: milliseconds(10).default(2000),
  AGENT_LINK_MBIT: decimal.default(100),
  AGENT_USAGE_INTERVAL_MS: milliseconds(10).default(10_000),
  AGENT_CHECKPOINT_INTERVAL_MS: milliseconds(10).default(60_000),
  AGENT_JOURNAL_MAX_DAYS: wholeNumber(1, 3650).default(30),
  AGENT_JOURNAL_MAX_BYTES: wholeNumber(64 * 1024).default(8 * 1024 * 1024),
  AGENT_METRIC: Metric.default('bytes'),
  AGENT_STEP_SIZE: wholeNumber(1).default(22_020_096),
  AGENT_PRICE_UNIT: text.default('sat'),
  AGENT_PRICE_PER_STEP: decimal.default(1),
  AGENT_MIN_STEPS: wholeNumber(0).default(1),
  AGENT_PRICES: z.array(FilePrice).min(1).optional(),
  AGENT_DIRECT_GRANTS: yesOrNo.default(true),
  AGENT_UNPAID: z.enum(['close', 'report']).default('close'),
  AGENT_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
})

function configFrom(settings: z.output<typeof Settings>, oneByEnv: boolean): Omit<Config, 'warnings'> {
  const { AGENT_PRICE_UNIT: unit, AGENT_PRICE_PER_STEP: pricePerStep, AGENT_MIN_STEPS: minSteps } = settings
  const one: Price[] = [{ unit, pricePerStep, minSteps }]
  return {
    routerId: settings.AGENT_ROUTER_ID,
    topicPrefix: settings.AGENT_TOPIC_PREFIX,
    mqtt: {
      urls: settings.AGENT_MQTT_URL,
      version: settings.AGENT_MQTT_VERSION,
      ...given('username', settings.AGENT_MQTT_USERNAME),
      ...given('passwordFile', settings.AGENT_MQTT_PASSWORD_FILE),
      ...given('caFile', settings.AGENT_MQTT_CA_FILE),
      ...given('certFile', settings.AGENT_MQTT_CERT_FILE),
      ...given('keyFile', settings.AGENT_MQTT_KEY_FILE),
    },
    stateDir: settings.AGENT_STATE_DIR,
    portal: {
      kind: settings.AGENT_PORTAL,
      transport: settings.AGENT_PORTAL_TRANSPORT,
      ndsctl: settings.AGENT_NDSCTL,
      timeoutMilliseconds: settings.AGENT_NDSCTL_TIMEOUT_MS,
      socket: settings.AGENT_NDS_SOCKET,
    },
    journal: { mostDays: settings.AGENT_JOURNAL_MAX_DAYS, mostBytes: settings.AGENT_JOURNAL_MAX_BYTES },
    lookIntervalMilliseconds: settings.AGENT_LOOK_INTERVAL_MS,
    nearIntervalMilliseconds: Math.min(settings.AGENT_NEAR_INTERVAL_MS, settings.AGENT_LOOK_INTERVAL_MS),
    linkMegabits: settings.AGENT_LINK_MBIT,
    usageIntervalMilliseconds: settings.AGENT_USAGE_INTERVAL_MS,
    checkpointIntervalMilliseconds: settings.AGENT_CHECKPOINT_INTERVAL_MS,
    tariff: {
      metric: settings.AGENT_METRIC,
      stepSize: settings.AGENT_STEP_SIZE,
      prices: oneByEnv ? one : (settings.AGENT_PRICES ?? one),
      directGrants: settings.AGENT_DIRECT_GRANTS,
    },
    unpaid: settings.AGENT_UNPAID,
    logLevel: settings.AGENT_LOG_LEVEL,
  }
}

function given<K extends string>(key: K, value: string | undefined): { [key in K]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]: string })
}
