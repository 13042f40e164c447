// The real cases over ndsctl as a program.

import { onARealPortal } from './lab-stage.ts'
import { sales } from './sales.ts'
import { strangers } from './strangers.ts'
import { upheavals } from './upheavals.ts'

onARealPortal('exec', (stage) => {
  sales(stage)
  upheavals(stage)
  strangers(stage)
})
