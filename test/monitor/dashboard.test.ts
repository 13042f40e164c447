// Proves that the dashboard's file is the one made here, and that it asks for metrics that there are.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { familiesOf } from '../../metrics/families.ts'
import { dashboardText, panels } from '../../monitor/dashboard.ts'

const deploy = resolve(import.meta.dirname, '../../deploy')
const textOf = (file: string) => readFileSync(resolve(deploy, file), 'utf8')
const names = familiesOf([]).flatMap(({ name, type }) =>
  type === 'counter' ? [`${name}_total`] : type === 'histogram' ? [`${name}_bucket`] : [name],
)

it('is the file that Grafana reads: npm run dashboard', () => {
  expect(textOf('grafana/tollgate.json')).toBe(dashboardText())
})

it('and the rules ask for metrics that there are', () => {
  const expressions = panels.flatMap(({ lines }) => Object.values(lines)).join('\n')
  const rules =
    textOf('prometheus/tollgate.rules.yml')
      .match(/expr: .*/g)
      ?.join('\n') ?? ''
  const asked = [...`${expressions}\n${rules}`.matchAll(/tollgate_\w+/g)].map(([name]) => name)
  expect(asked.length).toBeGreaterThan(30)
  expect(asked.filter((name) => !names.includes(name))).toEqual([])
})
