import * as z from "zod"
import { one, parseShape, type Shape } from "../shape.ts"
import {
  alarmArn,
  alarmStateShape,
  cloudWatchSignal,
  configurationShape,
  dimensionsOf,
} from "./cloudwatch-alarm.ts"

const eventShape = z.object({
  resources: z.tuple([alarmArn], { error: "must be the ARN of one CloudWatch alarm" }),
  detail: z.object({ state: alarmStateShape, configuration: configurationShape }),
})

/** Amazon EventBridge, "CloudWatch Alarm State Change". */
export const eventBridgeAlarm: Shape = {
  name: "EventBridge CloudWatch Alarm State Change",
  door: "alarm",
  looksLike: (event) =>
    event["source"] === "aws.cloudwatch" && event["detail-type"] === "CloudWatch Alarm State Change",
  read(event) {
    const { resources, detail } = parseShape(eventShape, event, "")
    return one(
      cloudWatchSignal({
        arn: resources[0],
        state: detail.state.value,
        at: detail.state.timestamp,
        dimensions: dimensionsOf(detail.configuration),
        reasonData: detail.state.reasonData ?? null,
      }),
    )
  },
}
