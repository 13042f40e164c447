// The dashboard of a fleet for Grafana, as a value: one row a panel, laid out in their order.

interface Panel {
  title: string
  kind: 'stat' | 'timeseries'
  unit?: string
  /** Expressions by the name of their lines; `{{label}}` stands for a label's value. */
  lines: Readonly<Record<string, string>>
}

const chosen = 'router=~"$router"'
const away = `sum(tollgate_router_state{state=~"silent|offline",${chosen}})`
const quantile = (q: number) =>
  `histogram_quantile(${q}, sum by (le) (rate(tollgate_gate_opening_seconds_bucket{${chosen}}[$__rate_interval])))`

export const panels: readonly Panel[] = [
  {
    title: 'Routers by state',
    kind: 'stat',
    lines: { '{{state}}': `sum by (state) (tollgate_router_state{${chosen}})` },
  },
  { title: 'Routers away', kind: 'stat', lines: { away } },
  {
    title: 'Money in this time',
    kind: 'stat',
    lines: { '{{unit}}': `sum by (unit) (increase(tollgate_money_total{${chosen}}[$__range]))` },
  },
  {
    title: 'Unaccounted for (always 0)',
    kind: 'stat',
    lines: {
      bytes: `sum(abs(tollgate_difference_bytes{${chosen}}))`,
      seconds: `sum(abs(tollgate_difference_seconds{${chosen}}))`,
    },
  },
  { title: 'Sessions', kind: 'timeseries', lines: { '{{state}}': `sum by (state) (tollgate_sessions{${chosen}})` } },
  {
    title: 'Traffic that was paid for',
    kind: 'timeseries',
    unit: 'Bps',
    lines: { used: `sum(rate(tollgate_used_bytes_total{${chosen}}[$__rate_interval]))` },
  },
  {
    title: 'Purchases',
    kind: 'timeseries',
    lines: { '{{outcome}}': `sum by (outcome) (increase(tollgate_purchases_total{${chosen}}[$__rate_interval]))` },
  },
  {
    title: 'From purchase to open gate',
    kind: 'timeseries',
    unit: 's',
    lines: { median: quantile(0.5), p95: quantile(0.95) },
  },
  {
    title: 'Sold and still to be used',
    kind: 'timeseries',
    unit: 'bytes',
    lines: { remaining: `sum(tollgate_remaining_bytes{${chosen}})` },
  },
  {
    title: 'Ends',
    kind: 'timeseries',
    lines: { '{{reason}}': `sum by (reason) (increase(tollgate_sessions_ended_total{${chosen}}[$__rate_interval]))` },
  },
  {
    title: 'Given away',
    kind: 'timeseries',
    unit: 'bytes',
    lines: {
      overshoot: `sum(increase(tollgate_overshoot_bytes_total{${chosen}}[$__rate_interval]))`,
      unread: `sum(increase(tollgate_unread_bytes_total{${chosen}}[$__rate_interval]))`,
    },
  },
  {
    title: 'Drifts',
    kind: 'timeseries',
    lines: { '{{kind}}': `sum by (kind) (increase(tollgate_drifts_total{${chosen}}[$__rate_interval]))` },
  },
  {
    title: 'Portals and disks that fail',
    kind: 'timeseries',
    lines: {
      'portal of {{router}}': `1 - tollgate_portal_reachable{${chosen}}`,
      'disk of {{router}}': `tollgate_disk_refuses{${chosen}}`,
    },
  },
  {
    title: 'Events that the broker has not taken',
    kind: 'timeseries',
    lines: { '{{router}}': `topk(10, tollgate_outbox_events{${chosen}})` },
  },
  {
    title: 'Flash a day',
    kind: 'timeseries',
    unit: 'bytes',
    lines: { '{{router}}': `topk(10, rate(tollgate_flash_written_bytes_total{${chosen}}[$__rate_interval]) * 86400)` },
  },
  {
    title: 'Lost events and warnings',
    kind: 'timeseries',
    lines: {
      'lost, {{router}}': `sum by (router) (increase(tollgate_lost_events_total{${chosen}}[$__rate_interval])) > 0`,
      warnings: `sum(tollgate_router_warnings{${chosen}})`,
    },
  },
]

// The data source that is chosen on the dashboard.
const source = { type: 'prometheus', uid: '$datasource' }

export function dashboard(): object {
  return {
    uid: 'tollgate-fleet',
    title: 'tollgate fleet',
    tags: ['tollgate'],
    schemaVersion: 39,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus' },
        {
          ...{ name: 'router', type: 'query', datasource: source, refresh: 2, sort: 7 },
          ...{ query: 'label_values(tollgate_router_info, router)', multi: true, includeAll: true, allValue: '.*' },
          current: { text: 'All', value: '$__all' },
        },
      ],
    },
    panels: laidOut(panels),
  }
}

const across = 24

function laidOut(rows: readonly Panel[]): object[] {
  let [x, y] = [0, 0]
  return rows.map(({ title, kind, unit = 'short', lines }, index) => {
    const [w, h] = kind === 'stat' ? [6, 5] : [12, 8]
    const gridPos = { x, y, w, h }
    x += w
    if (x >= across) [x, y] = [0, y + h]
    const targets = Object.entries(lines).map(([legendFormat, expr], number) => ({
      ...{ refId: String.fromCharCode(65 + number), datasource: source, expr, legendFormat },
    }))
    const fieldConfig = { defaults: { unit }, overrides: [] }
    return { id: index + 1, type: kind, title, datasource: source, gridPos, targets, fieldConfig }
  })
}

/** As it stands in the file that Grafana reads. */
export function dashboardText(): string {
  return `${JSON.stringify(dashboard(), undefined, 2)}\n`
}
