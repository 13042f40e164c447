// The timetable: when a look, a glance at the LAN, a report and a checkpoint are due, in milliseconds of this boot. Pure.

export interface Timetable {
  look: number
  notice: number
  report: number
  checkpoint: number
}

/** If a look is due within half a report interval, look before the report, so that the report is fresh. */
export function isLookDue({ look, report }: Timetable, now: number, isWoken: boolean, reportInterval: number): boolean {
  const soon = now >= report ? reportInterval / 2 : 0
  return isWoken || now + soon >= look
}

export function sleepUntil({ look, notice, report, checkpoint }: Timetable): number {
  return Math.min(look, notice, report, checkpoint)
}
