// The real cases over the daemon's socket.

import { guard } from './guard.cases.ts'
import { onARealPortal } from './lab-stage.ts'
import { sales } from './sales.cases.ts'
import { strangers } from './strangers.cases.ts'
import { unit } from './unit.cases.ts'
import { upheavals } from './upheavals.cases.ts'

onARealPortal('socket', (stage) => {
  sales(stage)
  guard(stage)
  upheavals(stage)
  strangers(stage)
  unit(stage)
})
