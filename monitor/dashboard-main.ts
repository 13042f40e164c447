// Writes deploy/grafana/tollgate.json.
import { writeFileSync } from 'node:fs'
import { dashboardText } from './dashboard.ts'

writeFileSync('deploy/grafana/tollgate.json', dashboardText())
console.log('deploy/grafana/tollgate.json')
