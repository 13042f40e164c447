// Every setting of the agent: what it may be, its default, and what it is for. `--help` is made of this table.
import * as z from 'zod'
import { listenAddressOf } from '../metrics/address.ts'
import { Metric, Price, RouterId, TopicPrefix } from '../protocol/index.ts'

export interface Setting {
  schema: z.ZodType
  /** The value to give, in words that follow "give". */
  wants: string
  /** Its value where none is given, as it stands in the documentation. */
  usually: string
  about: string
  /** The value is the path of a file that must be there. */
  isFile?: true
}

const year = 366 * 86_400_000

function wholeNumber(least: number, most: number = Number.MAX_SAFE_INTEGER) {
  const asNumber = (value: unknown) => (typeof value === 'string' && /^\d+$/.test(value.trim()) ? Number(value) : value)
  return z.preprocess(asNumber, z.int().min(least).max(most))
}

const text = z.string().min(1)
const yesOrNo = z.preprocess((value) => (value === 'true' ? true : value === 'false' ? false : value), z.boolean())
const decimal = z.preprocess(
  (value) => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value),
  z.number().positive(),
)
const BrokerUrl = z
  .string()
  .regex(/^(mqtts?|wss?):\/\/[^/\s]+/)
  .refine((url) => URL.canParse(url) && isReadable(new URL(url)))
// A name and a password are written with escapes there, which may be wrong.
function isReadable({ username, password }: URL): boolean {
  try {
    return [username, password].every((text) => decodeURIComponent(text) !== undefined)
  } catch {
    return false
  }
}
const BrokerUrls = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',').map((url) => url.trim()) : value),
  z.array(BrokerUrl).min(1),
)
const FilePrice = z
  .strictObject({
    unit: text.max(64),
    price_per_step: decimal,
    min_steps: wholeNumber(0).default(1),
    source: text.max(256).optional(),
  })
  .transform((price): Price => Price.parse({ ...price, pricePerStep: price.price_per_step, minSteps: price.min_steps }))

const mostPrices = 64
const mostPriceBytes = 8 * 1024
const Prices = z
  .array(FilePrice)
  .min(1)
  .max(mostPrices)
  .refine((prices) => Buffer.byteLength(JSON.stringify(prices)) <= mostPriceBytes)

function milliseconds(least: number, usually: number, about: string) {
  const wants = `a whole number of milliseconds from ${least} to a year`
  return { schema: wholeNumber(least, year).default(usually), wants, usually: String(usually), about } satisfies Setting
}

function oneOf<const T extends readonly [string, ...string[]]>(values: T, usually: T[number], about: string) {
  const [last, ...others] = [...values].reverse()
  const wants = `${others.reverse().join(', ')} or ${last}`
  return { schema: z.enum(values).default(usually as never), wants, usually, about } satisfies Setting
}

function file(about: string) {
  return {
    schema: text.optional(),
    wants: 'the path of a file that is there',
    usually: '',
    about,
    isFile: true as const,
  } satisfies Setting
}

export const settings = {
  AGENT_ROUTER_ID: {
    schema: z.string().pipe(RouterId),
    wants: '1 to 64 of A-Z a-z 0-9 _ -',
    usually: 'required',
    about: "this router's id",
  },
  AGENT_MQTT_URL: {
    schema: BrokerUrls.default(['mqtt://127.0.0.1:1883']),
    wants: 'an address such as mqtt://127.0.0.1:1883 (mqtt, mqtts, ws or wss), or several with commas between',
    usually: 'mqtt://127.0.0.1:1883',
    about: 'the broker; several addresses are of one broker or cluster',
  },
  AGENT_MQTT_USERNAME: {
    schema: text.optional(),
    wants: 'the name that the broker knows this agent by',
    usually: '',
    about: 'who the agent is to the broker',
  },
  AGENT_MQTT_PASSWORD_FILE: file("the file with the agent's password at the broker"),
  AGENT_MQTT_CA_FILE: file("the certificate that vouches for the broker's, PEM"),
  AGENT_MQTT_CERT_FILE: file("the agent's own certificate, PEM"),
  AGENT_MQTT_KEY_FILE: file("the key of the agent's own certificate, PEM"),
  AGENT_MQTT_VERSION: {
    schema: z.preprocess(Number, z.literal([4, 5])).default(4),
    wants: '4 (MQTT 3.1.1) or 5',
    usually: '4',
    about: '4 is MQTT 3.1.1',
  },
  AGENT_TOPIC_PREFIX: {
    schema: TopicPrefix.default('router'),
    wants: 'topic levels without #, + or blanks, the first not with $',
    usually: 'router',
    about: 'the fleet: what comes before /<router id>/ in every topic',
  },
  AGENT_STATE_DIR: {
    schema: text.default('./state'),
    wants: 'the path of a folder',
    usually: './state',
    about: 'the journal; on flash, not in a RAM file system; one agent at a time',
  },
  AGENT_NDSCTL: {
    schema: text.default('ndsctl'),
    wants: 'the name or the path of ndsctl',
    usually: 'ndsctl',
    about: 'the executable',
  },
  AGENT_NDSCTL_TIMEOUT_MS: milliseconds(1, 5000, 'for each call of ndsctl'),
  AGENT_PORTAL: oneOf(['auto', 'nodogsplash', 'opennds'], 'auto', 'which portal must answer'),
  AGENT_PORTAL_TRANSPORT: oneOf(['exec', 'socket'], 'exec', "exec runs ndsctl, socket talks to the daemon's socket"),
  AGENT_NDS_SOCKET: {
    schema: text.default('/tmp/ndsctl.sock'),
    wants: 'the path of a socket',
    usually: '/tmp/ndsctl.sock',
    about: "the daemon's socket",
  },
  AGENT_LOOK_INTERVAL_MS: milliseconds(10, 10_000, 'the longest time between two looks at the portal'),
  AGENT_NEAR_INTERVAL_MS: milliseconds(
    10,
    2000,
    'the longest while a device waits, a gate must shut, or an end may be near',
  ),
  AGENT_LINK_MBIT: {
    schema: decimal.default(100),
    wants: 'a number of megabits a second above 0',
    usually: '100',
    about: "the link's rate in Mbit/s: decides from when on a session is watched closely",
  },
  AGENT_USAGE_INTERVAL_MS: milliseconds(10, 10_000, 'between usage reports'),
  AGENT_CHECKPOINT_INTERVAL_MS: milliseconds(10, 60_000, 'between two times that metering goes to flash'),
  AGENT_REFUSALS_PER_MINUTE: {
    schema: wholeNumber(0, 60_000).default(10),
    wants: 'a whole number from 0 to 60000',
    usually: '10',
    about: 'refused purchases a minute that are journalled; others are to be sent again',
  },
  AGENT_GUARD: oneOf(
    ['auto', 'nftables', 'off'],
    'auto',
    "whether the router's kernel cuts by itself on the last byte and millisecond; auto: where nft runs and is allowed",
  ),
  AGENT_NFT: {
    schema: text.default('nft'),
    wants: 'the path or the name of a program',
    usually: 'nft',
    about: 'the executable of nftables; a wrapper reaches a portal in another network namespace',
  },
  AGENT_PURCHASE_KEYS: file(
    'a JWKS file, Ed25519 or P-256: only purchases that one of its keys has signed are applied',
  ),
  AGENT_COMMAND_KEYS: file('the same for commands that act on a session'),
  AGENT_JOURNAL_MAX_DAYS: {
    schema: wholeNumber(1, 3650).default(30),
    wants: 'a whole number of days from 1 to 3650',
    usually: '30',
    about: 'how many days of its events the router keeps',
  },
  AGENT_JOURNAL_MAX_BYTES: {
    schema: wholeNumber(64 * 1024).default(8 * 1024 * 1024),
    wants: 'a whole number of bytes from 65536',
    usually: '8388608',
    about: 'how many bytes of its events the router keeps',
  },
  AGENT_METRIC: { ...oneOf(['bytes', 'milliseconds'], 'bytes', 'what is sold'), schema: Metric.default('bytes') },
  AGENT_STEP_SIZE: {
    schema: wholeNumber(1).default(22_020_096),
    wants: 'a whole number from 1',
    usually: '22020096',
    about: 'so many bytes or milliseconds are one step of the price list',
  },
  AGENT_PRICE_UNIT: {
    schema: text.max(64).default('sat'),
    wants: 'a unit of 1 to 64 characters',
    usually: 'sat',
    about: 'the unit of a price list of one; the file may have several prices',
  },
  AGENT_PRICE_PER_STEP: {
    schema: decimal.default(1),
    wants: 'a number above 0',
    usually: '1',
    about: 'what a step costs',
  },
  AGENT_MIN_STEPS: {
    schema: wholeNumber(0).default(1),
    wants: 'a whole number from 0',
    usually: '1',
    about: 'the fewest steps that are sold at once',
  },
  AGENT_PRICES: {
    schema: Prices.optional(),
    wants:
      '1 to 64 prices of 8192 bytes together, in the file: [[prices]] with unit, price_per_step, and perhaps min_steps and source',
    usually: '',
    about: 'in the file only: several prices',
  },
  AGENT_DIRECT_GRANTS: {
    schema: yesOrNo.default(true),
    wants: 'true or false',
    usually: 'true',
    about: 'whether purchases may name their allotment',
  },
  AGENT_ABANDONED_DAYS: {
    schema: wholeNumber(0, 3650).default(30),
    wants: 'a whole number of days, 0 for ever',
    usually: '30',
    about: "days of the agent's running time that a paid rest waits for its device",
  },
  AGENT_UNPAID: oneOf(['close', 'report'], 'close', 'what is done about gates that are open without a session'),
  AGENT_METRICS_LISTEN: {
    schema: z
      .string()
      .transform(listenAddressOf)
      .refine((address) => address !== undefined)
      .optional(),
    wants: 'an address and a port, such as 127.0.0.1:9464',
    usually: '',
    about: 'where /metrics and /healthz are answered; nowhere without it',
  },
  AGENT_LOG_LEVEL: oneOf(['debug', 'info', 'warn', 'error', 'silent'], 'info', 'debug shows every call of ndsctl'),
  AGENT_LOG_FORMAT: {
    schema: z.enum(['json', 'text']).optional(),
    wants: 'json or text',
    usually: 'json',
    about: 'text for people; on a terminal by itself',
  },
} satisfies Record<string, Setting>

export type SettingName = keyof typeof settings

/** Names the configuration file, and is for that reason no key of it. */
export const fileVariable = 'AGENT_CONFIG'

export const isSetting = (name: string): name is SettingName => Object.hasOwn(settings, name)

/** A variable as a key of the TOML file. */
export const keyOf = (name: string): string => name.replace(/^AGENT_/, '').toLowerCase()

const wordsOf = (width: number, words: readonly string[]): string => words.map((word) => word.padEnd(width)).join('')

/** All settings, one a line, with default and meaning. */
export function settingsHelp(): string {
  const rows = Object.entries<Setting>(settings).map(([name, { usually, about }]) => [name, usually, about] as const)
  const widest = Math.max(...rows.map(([name]) => name.length)) + 2
  const widestValue = Math.max(...rows.map(([, usually]) => usually.length)) + 2
  return rows
    .map(([name, usually, about]) => `  ${wordsOf(widest, [name])}${usually.padEnd(widestValue)}${about}`)
    .join('\n')
}
