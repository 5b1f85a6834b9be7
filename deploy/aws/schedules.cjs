// The schedules of the tick, from --param="shards=N": one rule for each share of the supernodes. osls calls these functions.

const EVERY = "rate(5 minutes)"
const MAX_SHARDS = 20

/** One rule that ticks for all; or n rules, each supernode in exactly one of them. */
module.exports.events = async ({ resolveVariable }) => {
  const shards = await shardsOf(resolveVariable)
  if (shards === 1) return [{ schedule: EVERY }]
  return Array.from({ length: shards }, (_, nth) => ({
    schedule: {
      rate: EVERY,
      inputTransformer: {
        inputPathsMap: { time: "$.time" },
        inputTemplate: `{"kind": "tick", "time": <time>, "shard": "${nth + 1}/${shards}"}`,
      },
    },
  }))
}

/**
 * Two alarms for each of several rules: the functions' invocations together cannot show that one rule is missing. CloudWatch's
 * AWS/Events has no data of a rule that is disabled or deleted, and counts an invocation also where it failed for good.
 */
module.exports.missingTicks = async ({ resolveVariable }) => {
  const shards = await shardsOf(resolveVariable)
  const name = await resolveVariable("self:custom.name")
  const numbers = shards === 1 ? [] : Array.from({ length: shards }, (_, nth) => nth + 1)
  return Object.fromEntries(
    numbers.flatMap((nth) => [
      [`MissingTick${nth}`, missingTick({ nth, shards, name })],
      [`FailedTick${nth}`, failedTick({ nth, shards, name })],
    ]),
  )
}

function missingTick({ nth, shards, name }) {
  return alarmOfRule(nth, {
    AlarmName: `${name}-MissingTick${nth}`,
    AlarmDescription: `No tick of shard ${nth}/${shards} in 15 minutes: look whether its schedule rule is enabled`,
    MetricName: "Invocations",
    ComparisonOperator: "LessThanThreshold",
    Threshold: 1,
    TreatMissingData: "breaching",
  })
}

function failedTick({ nth, shards, name }) {
  return alarmOfRule(nth, {
    AlarmName: `${name}-FailedTick${nth}`,
    AlarmDescription: `The schedule rule of shard ${nth}/${shards} cannot invoke the function: look at the function's resource policy`,
    MetricName: "FailedInvocations",
    ComparisonOperator: "GreaterThanThreshold",
    Threshold: 0,
    TreatMissingData: "notBreaching",
  })
}

function alarmOfRule(nth, properties) {
  return {
    Type: "AWS::CloudWatch::Alarm",
    Properties: {
      ...properties,
      Namespace: "AWS/Events",
      // osls numbers the rules of a function in the order of its events.
      Dimensions: [{ Name: "RuleName", Value: { Ref: `ScheduleEventsRuleSchedule${nth}` } }],
      Statistic: "Sum",
      Period: 900,
      EvaluationPeriods: 1,
      AlarmActions: [{ Ref: "Operators" }],
      OKActions: [{ Ref: "Operators" }],
    },
  }
}

/** A place for each rule, and for a tick of the rules before an update. */
module.exports.concurrency = async ({ resolveVariable }) => (await shardsOf(resolveVariable)) + 1

async function shardsOf(resolveVariable) {
  const text = String(await resolveVariable("param:shards, '1'"))
  const shards = Number(text)
  if (/^\d+$/.test(text) && shards >= 1 && shards <= MAX_SHARDS) return shards
  throw new Error(`shards must be a whole number from 1 to ${MAX_SHARDS}, and is ${JSON.stringify(text)}`)
}
