// Debian's Prometheus as a process of its own, quick enough for a test, with this project's own rules.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort } from '../support/brokers/free-port.ts'
import { ended } from '../support/ended.ts'
import { until } from '../support/until.ts'

export const isMissing = spawnSync('prometheus', ['--version']).error !== undefined
export const whyMissing = 'prometheus is not installed: apt-get install prometheus'
if (isMissing && process.env.CI) throw new Error(whyMissing)

const rules = resolve(import.meta.dirname, '../../deploy/prometheus/tollgate.rules.yml')

interface Sample {
  metric: Record<string, string>
  value: [number, string]
}

export interface Prometheus {
  /** The values of an expression, by the router that they are of. */
  query(expression: string): Promise<Sample[]>
  /** Alerts that fire now, as `name of router`. */
  firing(): Promise<string[]>
  close(): Promise<void>
}

/** Scrapes that address twice a second; a rule fires as soon as it holds, not after minutes. */
export async function aPrometheus(target: string): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-prometheus-'))
  const address = `127.0.0.1:${await freePort()}`
  writeFileSync(join(folder, 'rules.yml'), readFileSync(rules, 'utf8').replaceAll(/for: \w+/g, 'for: 1s'))
  writeFileSync(
    join(folder, 'prometheus.yml'),
    JSON.stringify({
      global: { scrape_interval: '500ms', evaluation_interval: '500ms' },
      rule_files: ['rules.yml'],
      scrape_configs: [{ job_name: 'tollgate', static_configs: [{ targets: [target] }] }],
    }),
  )
  const process: ChildProcess = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
    ],
    { stdio: 'ignore' },
  )
  const ask = async (path: string) =>
    ((await (await fetch(`http://${address}/api/v1/${path}`)).json()) as { data: never }).data
  await until(() => ask('status/runtimeinfo').then(Boolean, () => false), 20_000)
  return {
    async query(expression) {
      const data: { result: Sample[] } = await ask(`query?query=${encodeURIComponent(expression)}`)
      return data.result
    },
    async firing() {
      const { alerts }: { alerts: { state: string; labels: Record<string, string> }[] } = await ask('alerts')
      return alerts
        .filter(({ state }) => state === 'firing')
        .map(({ labels }) => `${labels.alertname} of ${labels.router}`)
        .sort()
    },
    async close() {
      await ended(process, 'SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
