import { GUARDS, METRICS_OUT } from "./circumstances.ts"
import { CONFIGURED } from "./policies.ts"
import { ANSWER_LOST, KILLED, TWO_AT_ONCE } from "./purchases.ts"
import type { Row } from "./row.ts"

export const ROWS: Record<string, readonly Row[]> = {
  "a response is lost, or an event is delivered again": ANSWER_LOST,
  "a process is killed, or its record cannot be written": KILLED,
  "two runs start at once": TWO_AT_ONCE,
  "metrics are missing": METRICS_OUT,
  "guards, dry runs and late events": GUARDS,
  "mistakes in schedules and settings": CONFIGURED,
}
