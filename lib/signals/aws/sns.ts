import * as z from "zod"
import type { AlarmSignal } from "../../decision/inputs/signal.ts"
import { isoInstant } from "../instant.ts"
import { readJson } from "../json-text.ts"
import { names, parseShape, readEach, type Shape } from "../shape.ts"
import { alarmArn, cloudWatchSignal } from "./cloudwatch-alarm.ts"

const recordShape = z.object({ Sns: z.object({ Message: z.string() }) })

const dimensionList = z
  .array(z.object({ name: z.string(), value: z.string() }))
  .transform((list) => Object.fromEntries(list.map(({ name, value }) => [name, value])))
  .pipe(names)
  .nullish()

/** What CloudWatch writes to a topic. `Trigger` is absent from composite alarms and has `Metrics` for metric math. */
const messageShape = z.object({
  AlarmArn: alarmArn,
  NewStateValue: z.string().max(64),
  StateChangeTime: isoInstant,
  Trigger: z
    .object({
      Dimensions: dimensionList,
      Metrics: z
        .array(
          z.object({ MetricStat: z.object({ Metric: z.object({ Dimensions: dimensionList }) }).nullish() }),
        )
        .nullish(),
    })
    .nullish(),
})

/** An alarm as CloudWatch writes it to an SNS topic. It has no datapoints. Throws SignalError. */
export function readSnsAlarm(text: string, where: string): AlarmSignal {
  const message = parseShape(messageShape, readJson(text, where, "a CloudWatch alarm is expected"), where)
  const { Trigger: trigger } = message
  const metrics = trigger?.Metrics?.flatMap(({ MetricStat: stat }) =>
    stat ? [stat.Metric.Dimensions ?? {}] : [],
  )
  return cloudWatchSignal({
    arn: message.AlarmArn,
    state: message.NewStateValue,
    at: message.StateChangeTime,
    dimensions: metrics ?? [trigger?.Dimensions ?? {}],
    reasonData: null,
  })
}

/** Amazon SNS calling Lambda: `Records[].Sns.Message` is a CloudWatch alarm. */
export const sns: Shape = {
  name: "SNS Records with a CloudWatch alarm",
  door: "alarm",
  looksLike: ({ Records: records }) =>
    Array.isArray(records) &&
    records.some((record) => typeof record === "object" && record !== null && Object.hasOwn(record, "Sns")),
  read: ({ Records: records }) =>
    readEach(records as unknown[], "Records", (record, where) =>
      readSnsAlarm(parseShape(recordShape, record, where).Sns.Message, `${where}.Sns.Message`),
    ),
}
