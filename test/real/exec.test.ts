// The real cases over ndsctl as a program.
import { sales } from './sales.ts'
import { onARealPortal } from './stage.ts'
import { strangers } from './strangers.ts'
import { upheavals } from './upheavals.ts'

onARealPortal('exec', (stage) => {
  sales(stage)
  upheavals(stage)
  strangers(stage)
})
