import { onFirstUse } from "../../on-first-use.ts"
import { text } from "./text-shape.ts"

/** An SMN topic's URN: `urn:smn:region:project:name`. */
export const smnTopic = onFirstUse(() =>
  text(
    /^urn:smn:[a-z0-9-]{1,32}:[A-Za-z0-9-]{1,64}:[A-Za-z0-9_-]{1,255}$/,
    "must be an SMN topic such as urn:smn:cn-southwest-2:0123456789abcdef0123456789abcdef:alarms",
  ),
)

/** An SNS topic's ARN. */
export const snsTopic = onFirstUse(() =>
  text(
    /^arn:aws[a-z-]*:sns:[a-z0-9-]{1,32}:\d{12}:[A-Za-z0-9_-]{1,256}$/,
    "must be an SNS topic such as arn:aws:sns:eu-central-1:123456789012:alarms",
  ),
)
