import * as z from "zod"
import { onFirstUse } from "../../on-first-use.ts"
import { ownField, parseShape, readEach, type Shape, subjectIn } from "../shape.ts"
import { readCloudEyeAlarm } from "./cloud-eye-alarm.ts"

const recordShape = onFirstUse(() => z.object({ smn: z.object({ message: z.string() }) }))

/**
 * FunctionGraph's SMN trigger: `record[].smn.message` is a Cloud Eye alarm. It is not signed, since the
 * trigger itself is trusted.
 */
export const smn: Shape = {
  name: "FunctionGraph SMN record with a Cloud Eye alarm",
  door: "alarm",
  looksLike: ({ record: records }) =>
    Array.isArray(records) &&
    records.some((record) => typeof record === "object" && record !== null && Object.hasOwn(record, "smn")),
  read: ({ record: records }, { concerns }) =>
    readEach(records as unknown[], "record", {
      read: (record, where) =>
        readCloudEyeAlarm(parseShape(recordShape(), record, where).smn.message, `${where}.smn.message`),
      subject: (record) => subjectIn(ownField(ownField(record, "smn"), "message"), "cloud-eye", "alarm_id"),
      concerns,
    }),
}
