// Proves that every setting is read from the file and the environment, which wins, and that bad ones are named in one go.
import { readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { type Config, readConfig } from '../../agent/config.ts'
import { type Setting, settingsHelp, settings as settingsTable } from '../../agent/settings.ts'

type Env = Record<string, string | undefined>
const required = { AGENT_ROUTER_ID: 'r1' }

function configOf(env: Env, toml = ''): Config {
  const read = readConfig({ ...required, ...env }, toml)
  if ('problems' in read) throw new Error(read.problems.join('\n'))
  return read.config
}

function problemsOf(env: Env, toml = ''): string[] {
  const read = readConfig({ ...required, ...env }, toml)
  return 'problems' in read ? read.problems : []
}

it('has the defaults of the contract', () => {
  expect(configOf({})).toEqual({
    routerId: 'r1',
    topicPrefix: 'router',
    mqtt: { urls: ['mqtt://127.0.0.1:1883'], version: 4 },
    stateDir: './state',
    portal: {
      kind: 'auto',
      transport: 'exec',
      ndsctl: 'ndsctl',
      timeoutMilliseconds: 5000,
      socket: '/tmp/ndsctl.sock',
    },
    guard: { use: 'auto', nft: 'nft' },
    keys: {},
    journal: { mostDays: 30, mostBytes: 8 * 1024 * 1024 },
    lookIntervalMilliseconds: 10_000,
    nearIntervalMilliseconds: 2000,
    linkMegabits: 100,
    usageIntervalMilliseconds: 10_000,
    checkpointIntervalMilliseconds: 60_000,
    refusalsPerMinute: 10,
    tariff: {
      metric: 'bytes',
      stepSize: 22_020_096,
      prices: [{ unit: 'sat', pricePerStep: 1, minSteps: 1 }],
      directGrants: true,
    },
    abandonedDays: 30,
    unpaid: 'close',
    logLevel: 'info',
    warnings: [],
  })
})

const settings = [
  { name: 'AGENT_JOURNAL_MAX_DAYS', env: '90', toml: '90', config: { journal: { mostDays: 90 } } },
  { name: 'AGENT_JOURNAL_MAX_BYTES', env: '1048576', toml: '1048576', config: { journal: { mostBytes: 1_048_576 } } },
  { name: 'AGENT_ABANDONED_DAYS', env: '0', toml: '0', config: { abandonedDays: 0 } },
  { name: 'AGENT_ROUTER_ID', env: 'kiosk_7', toml: '"kiosk_7"', config: { routerId: 'kiosk_7' } },
  {
    name: 'AGENT_MQTT_URL',
    env: 'wss://b:8884/mqtt',
    toml: '"wss://b:8884/mqtt"',
    config: { mqtt: { urls: ['wss://b:8884/mqtt'] } },
  },
  { name: 'AGENT_MQTT_USERNAME', env: 'me', toml: '"me"', config: { mqtt: { username: 'me' } } },
  { name: 'AGENT_MQTT_PASSWORD_FILE', env: '/p', toml: '"/p"', config: { mqtt: { passwordFile: '/p' } } },
  { name: 'AGENT_MQTT_CA_FILE', env: '/ca', toml: '"/ca"', config: { mqtt: { caFile: '/ca' } } },
  { name: 'AGENT_MQTT_VERSION', env: '5', toml: '5', config: { mqtt: { version: 5 } } },
  { name: 'AGENT_TOPIC_PREFIX', env: 'acme/wifi', toml: '"acme/wifi"', config: { topicPrefix: 'acme/wifi' } },
  { name: 'AGENT_STATE_DIR', env: '/srv', toml: '"/srv"', config: { stateDir: '/srv' } },
  { name: 'AGENT_NDSCTL', env: '/bin/ndsctl', toml: '"/bin/ndsctl"', config: { portal: { ndsctl: '/bin/ndsctl' } } },
  { name: 'AGENT_NDSCTL_TIMEOUT_MS', env: '700', toml: '700', config: { portal: { timeoutMilliseconds: 700 } } },
  { name: 'AGENT_PORTAL', env: 'opennds', toml: '"opennds"', config: { portal: { kind: 'opennds' } } },
  { name: 'AGENT_PORTAL_TRANSPORT', env: 'socket', toml: '"socket"', config: { portal: { transport: 'socket' } } },
  { name: 'AGENT_NDS_SOCKET', env: '/run/s', toml: '"/run/s"', config: { portal: { socket: '/run/s' } } },
  { name: 'AGENT_LOOK_INTERVAL_MS', env: '20000', toml: '20000', config: { lookIntervalMilliseconds: 20_000 } },
  { name: 'AGENT_NEAR_INTERVAL_MS', env: '500', toml: '500', config: { nearIntervalMilliseconds: 500 } },
  { name: 'AGENT_LINK_MBIT', env: '12.5', toml: '12.5', config: { linkMegabits: 12.5 } },
  { name: 'AGENT_USAGE_INTERVAL_MS', env: '30000', toml: '30000', config: { usageIntervalMilliseconds: 30_000 } },
  { name: 'AGENT_REFUSALS_PER_MINUTE', env: '7', toml: '7', config: { refusalsPerMinute: 7 } },
  { name: 'AGENT_CHECKPOINT_INTERVAL_MS', env: '9000', toml: '9000', config: { checkpointIntervalMilliseconds: 9000 } },
  { name: 'AGENT_METRIC', env: 'milliseconds', toml: '"milliseconds"', config: { tariff: { metric: 'milliseconds' } } },
  { name: 'AGENT_STEP_SIZE', env: '60000', toml: '60000', config: { tariff: { stepSize: 60_000 } } },
  { name: 'AGENT_PRICE_UNIT', env: 'eur', toml: '"eur"', config: { tariff: { prices: [{ unit: 'eur' }] } } },
  { name: 'AGENT_PRICE_PER_STEP', env: '0.05', toml: '0.05', config: { tariff: { prices: [{ pricePerStep: 0.05 }] } } },
  { name: 'AGENT_MIN_STEPS', env: '3', toml: '3', config: { tariff: { prices: [{ minSteps: 3 }] } } },
  { name: 'AGENT_DIRECT_GRANTS', env: 'false', toml: 'false', config: { tariff: { directGrants: false } } },
  { name: 'AGENT_UNPAID', env: 'report', toml: '"report"', config: { unpaid: 'report' } },
  {
    name: 'AGENT_METRICS_LISTEN',
    env: '127.0.0.1:9464',
    toml: '"127.0.0.1:9464"',
    config: { metricsListen: { host: '127.0.0.1', port: 9464 } },
  },
  { name: 'AGENT_LOG_FORMAT', env: 'text', toml: '"text"', config: { logFormat: 'text' } },
  { name: 'AGENT_LOG_LEVEL', env: 'debug', toml: '"debug"', config: { logLevel: 'debug' } },
]
const pair = { AGENT_MQTT_CERT_FILE: '/c', AGENT_MQTT_KEY_FILE: '/k' }
const keyOf = (name: string) => name.replace('AGENT_', '').toLowerCase()

describe('a setting', () => {
  test.each(settings)('$name is read from the environment', ({ name, env, config }) => {
    expect(configOf({ [name]: env })).toMatchObject(config)
  })

  test.each(settings)('$name is read from the file', ({ name, toml, config }) => {
    const read = readConfig(name === 'AGENT_ROUTER_ID' ? {} : required, `${keyOf(name)} = ${toml}`)

    expect(read).toMatchObject({ config })
  })

  it('of a certificate and its key is read', () => {
    expect(configOf(pair)).toMatchObject({ mqtt: { certFile: '/c', keyFile: '/k' } })
  })

  it('of several brokers is a list', () => {
    expect(configOf({ AGENT_MQTT_URL: 'mqtt://a, mqtts://b:8884' }).mqtt.urls).toEqual(['mqtt://a', 'mqtts://b:8884'])
  })

  it('of the environment wins over the file', () => {
    expect(configOf({ AGENT_STATE_DIR: '/env' }, 'state_dir = "/file"')).toMatchObject({ stateDir: '/env' })
  })

  it('that is empty in the environment is not given', () => {
    expect(configOf({ AGENT_STATE_DIR: '' }, 'state_dir = "/file"')).toMatchObject({ stateDir: '/file' })
  })

  it('of the near interval is never longer than the look interval', () => {
    expect(configOf({ AGENT_LOOK_INTERVAL_MS: '1000' })).toMatchObject({ nearIntervalMilliseconds: 1000 })
  })
})

describe('a bad setting', () => {
  test.each(
    [
      { name: 'AGENT_METRICS_LISTEN', values: ['9464', ':9464', '127.0.0.1:70000', 'http://127.0.0.1:9464'] },
      { name: 'AGENT_ROUTER_ID', values: ['a b', 'a/b', 'x'.repeat(65)] },
      { name: 'AGENT_MQTT_URL', values: ['http://b', 'b:1883', 'mqtt://', 'mqtt://[b', 'mqtt://a,', 'mqtt://a,b'] },
      { name: 'AGENT_MQTT_VERSION', values: ['3', '6', 'five'] },
      { name: 'AGENT_TOPIC_PREFIX', values: ['/router', 'a/+', '#', 'a//b', '$share/g', '$SYS'] },
      { name: 'AGENT_NDSCTL_TIMEOUT_MS', values: ['0', '-1', '1.5', '5s', '99999999999999'] },
      { name: 'AGENT_PORTAL', values: ['pfsense', 'openNDS'] },
      { name: 'AGENT_PORTAL_TRANSPORT', values: ['http'] },
      { name: 'AGENT_LOOK_INTERVAL_MS', values: ['9', 'ten', '1e3'] },
      { name: 'AGENT_NEAR_INTERVAL_MS', values: ['0'] },
      { name: 'AGENT_LINK_MBIT', values: ['0', '-5', 'fast', '1e400', ' '] },
      { name: 'AGENT_USAGE_INTERVAL_MS', values: ['0'] },
      { name: 'AGENT_CHECKPOINT_INTERVAL_MS', values: ['0'] },
      { name: 'AGENT_METRIC', values: ['hours'] },
      { name: 'AGENT_STEP_SIZE', values: ['0', '1e3', '1.5'] },
      { name: 'AGENT_PRICE_PER_STEP', values: ['0', '-1', 'free'] },
      { name: 'AGENT_MIN_STEPS', values: ['-1', '0.5'] },
      { name: 'AGENT_DIRECT_GRANTS', values: ['yes', '1'] },
      { name: 'AGENT_UNPAID', values: ['open'] },
      { name: 'AGENT_LOG_LEVEL', values: ['loud'] },
    ].flatMap(({ name, values }) => values.map((value) => ({ name, value }))),
  )('$name=$value is named', ({ name, value }) => {
    expect(problemsOf({ [name]: value })).toEqual([expect.stringMatching(new RegExp(`^${name}: .`))])
  })

  it('is named together with all others, of the file as well', () => {
    const problems = problemsOf(
      { AGENT_ROUTER_ID: '', AGENT_METRIC: 'hours' },
      'step_size = 0\nunpaid = 5\ncolour = "red"',
    )

    expect(problems.map((line) => line.split(':')[0]).sort()).toEqual([
      'AGENT_METRIC',
      'AGENT_ROUTER_ID',
      'AGENT_STEP_SIZE',
      'AGENT_UNPAID',
      'key colour, line 3',
    ])
  })

  it('of a file that is no TOML is told as such', () => {
    expect(problemsOf({}, 'state_dir = ')).toEqual([expect.stringContaining('not TOML')])
  })

  it('of the file is named by its key and line, with what to give', () => {
    expect(problemsOf({}, '# a comment\nunpaid = "open"')).toEqual([
      'AGENT_UNPAID: cannot be "open": give close or report (key unpaid, line 2)',
    ])
  })

  test.each([
    {
      key: 'mqtt_pasword_file = "p"',
      says: 'key mqtt_pasword_file, line 1: there is no such setting; did you mean mqtt_password_file?',
    },
    { key: 'Unpaid = "close"', says: 'key Unpaid, line 1: there is no such setting; did you mean unpaid?' },
    { key: '[wifi]\nssid = "x"', says: 'key wifi, line 1: there is no such setting: see --help' },
  ])('that is no key is an error, with what was probably meant: $key', ({ key, says }) => {
    expect(problemsOf({}, key)).toEqual([says])
  })

  it('within two letters of a variable is an error, with what was probably meant', () => {
    expect(problemsOf({ AGENT_MQTT_PASWORD_FILE: '/p' })).toEqual([
      'AGENT_MQTT_PASWORD_FILE: there is no such setting; did you mean AGENT_MQTT_PASSWORD_FILE?',
    ])
  })

  test.each(['AGENT_MQTT_PASSWORD_FILE', 'AGENT_MQTT_CA_FILE'])('%s that names no file is an error', (name) => {
    const read = readConfig({ ...required, [name]: '/nowhere' }, '', { isThere: () => false })

    expect(read).toEqual({ problems: [`${name}: there is no file /nowhere that can be read`] })
  })

  it('of a certificate without its key is an error', () => {
    expect(problemsOf({ AGENT_MQTT_CERT_FILE: '/c' })).toEqual([
      expect.stringMatching(/^AGENT_MQTT_KEY_FILE: is missing/),
    ])
  })

  it('never shows a password in an address', () => {
    expect(problemsOf({ AGENT_MQTT_URL: 'http://me:secret@b' }).join()).not.toContain('secret')
  })

  it('is not the variable that names the file, and a misspelling of that is one', () => {
    expect(configOf({ AGENT_CONFIG: '/etc/agent.toml' }).warnings).toEqual([])
    expect(problemsOf({ AGENT_CONFG: '/etc/agent.toml' })).toEqual([
      'AGENT_CONFG: there is no such setting; did you mean AGENT_CONFIG?',
    ])
  })

  it('that is a stranger in the environment only warns', () => {
    expect(readConfig({ ...required, AGENT_COLOUR: 'red', PATH: '/bin' })).toMatchObject({
      config: { warnings: [expect.stringContaining('AGENT_COLOUR')] },
    })
  })
})

describe('prices', () => {
  const two =
    '[[prices]]\nunit = "sat"\nprice_per_step = 1\nsource = "mint"\n[[prices]]\nunit = "eur"\nprice_per_step = 0.01\nmin_steps = 5\n'

  it('may be several in the file', () => {
    expect(configOf({}, two).tariff.prices).toEqual([
      { unit: 'sat', pricePerStep: 1, minSteps: 1, source: 'mint' },
      { unit: 'eur', pricePerStep: 0.01, minSteps: 5 },
    ])
  })

  it('of the file give way to a price in the environment', () => {
    expect(configOf({ AGENT_PRICE_PER_STEP: '2' }, two).tariff.prices).toEqual([
      { unit: 'sat', pricePerStep: 2, minSteps: 1 },
    ])
  })

  test.each([
    { when: 'there is none', toml: 'prices = []' },
    { when: 'one has no unit', toml: '[[prices]]\nprice_per_step = 1' },
    { when: 'one is free', toml: '[[prices]]\nunit = "sat"\nprice_per_step = 0' },
    { when: 'one has a misspelt field', toml: '[[prices]]\nunit = "sat"\nprice_per_step = 1\nminsteps = 2' },
    { when: 'they are no list', toml: 'prices = "cheap"' },
    {
      when: 'two are for one unit and source',
      toml: '[[prices]]\nunit = "sat"\nprice_per_step = 1\n[[prices]]\nunit = "sat"\nprice_per_step = 2',
    },
    {
      when: 'there are 65',
      toml: Array.from({ length: 65 }, (_, n) => `[[prices]]\nunit = "u${n}"\nprice_per_step = 1`).join('\n'),
    },
    {
      when: 'they have more than 8 KiB',
      toml: Array.from(
        { length: 40 },
        (_, n) => `[[prices]]\nunit = "u${n}"\nprice_per_step = 1\nsource = "${'x'.repeat(250)}"`,
      ).join('\n'),
    },
  ])('are named when $when', ({ toml }) => {
    expect(problemsOf({}, toml)).toEqual([expect.stringMatching(/^AGENT_PRICES/)])
  })
})

describe('the help', () => {
  const page = readFileSync(new URL('../../docs/settings.md', import.meta.url), 'utf8')

  test.each(Object.keys(settingsTable))('lists %s, and so does docs/settings.md', (name) => {
    expect(settingsHelp()).toMatch(new RegExp(`^ *${name} `, 'm'))
    expect(page).toContain(name === 'AGENT_PRICES' ? '`prices` in the file' : `\`${name}\``)
  })

  it('tells the default that is in force', () => {
    const differing = Object.entries<Setting>(settingsTable).filter(([name, { schema, usually }]) => {
      if (['AGENT_ROUTER_ID', 'AGENT_LOG_FORMAT'].includes(name)) return false
      return String(schema.parse(undefined) ?? '') !== usually
    })

    expect(differing).toEqual([])
  })
})
