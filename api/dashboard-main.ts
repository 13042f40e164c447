// `npm run dashboard`: writes deploy/grafana/tollgate.json.
import { writeFileSync } from 'node:fs'
import { commandLine } from '../broker-dev/command-line.ts'
import { dashboardText } from '../monitor/dashboard.ts'

commandLine('npm run dashboard --', 'Writes deploy/grafana/tollgate.json from the metrics that there are.').parse()
writeFileSync('deploy/grafana/tollgate.json', dashboardText())
console.log('deploy/grafana/tollgate.json')
