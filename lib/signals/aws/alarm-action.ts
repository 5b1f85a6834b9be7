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
    alarmArn: alarmArn(),
    alarmData: z.object({
      state: alarmStateShape(),
      configuration: z.unknown().optional(),
      alarmContributor: z.unknown().optional(),
    }),
  }),
)

/** A CloudWatch alarm whose action is the Lambda function itself. */
export const alarmAction: Shape = {
  name: "CloudWatch alarm action (Lambda, direct)",
  door: "alarm",
  looksLike: (event) => event["source"] === "aws.cloudwatch" && Object.hasOwn(event, "alarmData"),
  read(event) {
    const { alarmArn: arn, alarmData } = parseShape(eventShape(), event, "")
    return one(
      cloudWatchSignal({
        arn,
        state: alarmData.state.value,
        at: alarmData.state.timestamp,
        contributor: contributorIn(alarmData.alarmContributor),
        dimensions: dimensionsOf(alarmData.configuration),
        reasonData: alarmData.state.reasonData,
      }),
    )
  },
}
