import * as z from "zod"
import type { AlarmSignal } from "../../decision/inputs/signal.ts"
import { onFirstUse } from "../../on-first-use.ts"
import { isoInstant } from "../instant.ts"
import { readJson } from "../json-text.ts"
import {
  ownField,
  parseShape,
  readEach,
  resourceIn,
  type Shape,
  subjectIn,
  UNREADABLE_RESOURCE,
} from "../shape.ts"
import { alarmArn, type Contributor, cloudWatchSignal, contributorIn } from "./cloudwatch-alarm.ts"

const recordShape = onFirstUse(() => z.object({ Sns: z.object({ Message: z.string() }) }))

/**
 * `Trigger` is absent in composite alarms and has `Metrics` for metric math. A malformed `Trigger` counts as
 * an unreadable resource.
 */
const triggerShape = onFirstUse(() =>
  z
    .object({
      Dimensions: z.unknown().optional(),
      Metrics: z
        .array(
          z.object({
            MetricStat: z.object({ Metric: z.object({ Dimensions: z.unknown().optional() }) }).nullish(),
          }),
        )
        .nullish(),
    })
    .nullish()
    .catch({ Dimensions: UNREADABLE_RESOURCE }),
)

/** Message that CloudWatch publishes to a topic. */
const messageShape = onFirstUse(() =>
  z.object({
    AlarmArn: alarmArn(),
    NewStateValue: z.string().max(64),
    StateChangeTime: isoInstant(),
    Trigger: triggerShape(),
    AlarmContributor: z.unknown().optional(),
    AlarmContributorId: z.unknown().optional(),
    AlarmContributorAttributes: z.unknown().optional(),
  }),
)

/** Reads an alarm that CloudWatch published to an SNS topic. It has no datapoints. Throws SignalError. */
export function readSnsAlarm(text: string, where: string): AlarmSignal {
  const message = parseShape(messageShape(), readJson(text, where, "a CloudWatch alarm is expected"), where)
  const { Trigger: trigger } = message
  const metrics = trigger?.Metrics?.flatMap(({ MetricStat: stat }) =>
    stat ? [resourceIn(stat.Metric.Dimensions)] : [],
  )
  return cloudWatchSignal({
    arn: message.AlarmArn,
    state: message.NewStateValue,
    at: message.StateChangeTime,
    contributor: contributorOf(message),
    dimensions: metrics ?? [resourceIn(trigger?.Dimensions)],
    reasonData: null,
  })
}

/**
 * Contributor in a message of SNS, which capitalizes keys. Its format there is not documented, so an object
 * and two flat keys are both accepted.
 */
function contributorOf(message: z.output<ReturnType<typeof messageShape>>): Contributor | null {
  const { AlarmContributor: whole, AlarmContributorId: id, AlarmContributorAttributes: attributes } = message
  if (id !== undefined && id !== null) return contributorIn({ id, attributes })
  if (typeof whole !== "object" || whole === null) return contributorIn(whole)
  const keys = Object.entries(whole).map(([key, value]) => [
    key.toLowerCase().replace(/^contributor/, ""),
    value,
  ])
  return contributorIn(Object.fromEntries(keys))
}

/** Amazon SNS calling Lambda: `Records[].Sns.Message` is a CloudWatch alarm. */
export const sns: Shape = {
  name: "SNS Records with a CloudWatch alarm",
  door: "alarm",
  looksLike: ({ Records: records }) =>
    Array.isArray(records) &&
    records.some((record) => typeof record === "object" && record !== null && Object.hasOwn(record, "Sns")),
  read: ({ Records: records }, { concerns }) =>
    readEach(records as unknown[], "Records", {
      read: (record, where) =>
        readSnsAlarm(parseShape(recordShape(), record, where).Sns.Message, `${where}.Sns.Message`),
      subject: (record) => subjectIn(ownField(ownField(record, "Sns"), "Message"), "cloudwatch", "AlarmArn"),
      concerns,
    }),
}
