import type { DoorContext } from "../../functions/door.ts"

/** A Lambda context. Fields that are not given are as empty as Lambda allows. */
export function contextOf(parts: Partial<DoorContext> = {}): DoorContext {
  return {
    awsRequestId: "11111111-aaaa-4bbb-8ccc-222222222222",
    getRemainingTimeInMillis: () => 180_000,
    functionName: "alarm",
    functionVersion: "$LATEST",
    memoryLimitInMB: "512",
    invokedFunctionArn: "arn:aws:lambda:eu-central-1:123456789012:function:alarm",
    logGroupName: "group",
    logStreamName: "stream",
    callbackWaitsForEmptyEventLoop: true,
    done: () => {},
    fail: () => {},
    succeed: () => {},
    ...parts,
  }
}
