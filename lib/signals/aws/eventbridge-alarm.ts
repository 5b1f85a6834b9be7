import * as z from "zod"
import { onFirstUse } from "../../on-first-use.ts"
import { one, parseShape, type Shape } from "../shape.ts"
import {
  alarmArn,
  alarmStateShape,
  cloudWatchSignal,
  contributorIn,
  dimensionsOf,
} from "./cloudwatch-alarm.ts"

const eventShape = onFirstUse(() =>
  z.object({
    resources: z.tuple([alarmArn()], { error: "must be the ARN of one CloudWatch alarm" }),
    detail: z.object({
      state: alarmStateShape(),
      configuration: z.unknown().optional(),
      alarmContributor: z.unknown().optional(),
    }),
  }),
)

/** The second type is sent for each series of an alarm that watches many. */
const DETAIL_TYPES: readonly unknown[] = [
  "CloudWatch Alarm State Change",
  "CloudWatch Alarm Contributor State Change",
]

/** Amazon EventBridge, "CloudWatch Alarm State Change", of the alarm or of one contributor. */
export const eventBridgeAlarm: Shape = {
  name: "EventBridge CloudWatch Alarm State Change",
  door: "alarm",
  looksLike: (event) => event["source"] === "aws.cloudwatch" && DETAIL_TYPES.includes(event["detail-type"]),
  read(event) {
    const { resources, detail } = parseShape(eventShape(), event, "")
    return one(
      cloudWatchSignal({
        arn: resources[0],
        state: detail.state.value,
        at: detail.state.timestamp,
        contributor: contributorIn(detail.alarmContributor),
        dimensions: dimensionsOf(detail.configuration),
        reasonData: detail.state.reasonData,
      }),
    )
  },
}
