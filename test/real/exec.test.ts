// The real cases over ndsctl as a program.

import { guard } from './guard.cases.ts'
import { onARealPortal } from './lab-stage.ts'
import { sales } from './sales.cases.ts'
import { strangers } from './strangers.cases.ts'
import { unit } from './unit.cases.ts'
import { upheavals } from './upheavals.cases.ts'

onARealPortal('exec', (stage) => {
  sales(stage)
  guard(stage)
  upheavals(stage)
  strangers(stage)
  unit(stage)
})
