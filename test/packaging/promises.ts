import { expect } from "vitest"

export interface Resource {
  Type: string
  Condition?: string
  DeletionPolicy?: string
  UpdateReplacePolicy?: string
  Properties: Record<string, unknown>
}

export interface Statement {
  Effect: string
  Action: string | string[]
  Resource: unknown
}

export type Template = Record<string, Resource>

export const NAMES = ["alarm", "schedule", "manual"]
const LOGICAL = ["Alarm", "Schedule", "Manual"]

/** Properties of the resource with this logical id. */
function at(template: Template, id: string): Record<string, unknown> {
  const found = template[id]
  if (!found) throw new Error(`no ${id} in the template`)
  return found.Properties
}

function ofType(template: Template, type: string): Record<string, unknown>[] {
  return Object.values(template).flatMap(({ Type, Properties }) => (Type === type ? [Properties] : []))
}

/** All that the role of one function allows. */
export function statementsOf(template: Template, logical: string): Statement[] {
  const policies = at(template, `${logical}Role`)["Policies"] as {
    PolicyDocument: { Statement: Statement[] }
  }[]
  return policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
}

const KEY = { "Fn::GetAtt": ["Key", "Arn"] }
/** Targets of every alarm of the installation. */
export const TO_PEOPLE = { AlarmActions: [{ Ref: "Operators" }], OKActions: [{ Ref: "Operators" }] }

/** The promises of serverless.yml, each as one sentence with a check of the generated CloudFormation. */
export const PROMISES: [string, (template: Template) => void][] = [
  [
    "Each function has a role of its own, and none has a managed policy.",
    (template) => {
      expect(ofType(template, "AWS::IAM::Role")).toHaveLength(LOGICAL.length)
      for (const name of LOGICAL) {
        expect(at(template, `${name}LambdaFunction`)["Role"]).toEqual({
          "Fn::GetAtt": [`${name}Role`, "Arn"],
        })
        expect(at(template, `${name}Role`)).not.toHaveProperty("ManagedPolicyArns")
      }
    },
  ],
  [
    "A function may write its own log only.",
    (template) => {
      for (const [index, name] of LOGICAL.entries()) {
        const logs = statementsOf(template, name).filter(({ Action }) => Action.includes("logs:PutLogEvents"))
        expect(logs).toMatchObject([
          { Resource: { "Fn::Sub": expect.stringMatching(`-dev-${NAMES[index]}:\\*$`) } },
        ])
      }
    },
  ],
  [
    "Only the function that people invoke may make the ledger's table and list its chains, and none may change or delete an entry.",
    (template) => {
      const rights = LOGICAL.map((name) => [
        name,
        statementsOf(template, name)
          .flatMap(({ Action }) => Action)
          .filter((action) => action.startsWith("dynamodb:"))
          .sort(),
      ])
      const batch = "dynamodb:BatchGetItem"
      const common = ["dynamodb:PutItem", "dynamodb:Query"]
      expect(Object.fromEntries(rights)).toEqual({
        Alarm: [batch, ...common],
        Schedule: [batch, ...common],
        Manual: [batch, "dynamodb:CreateTable", "dynamodb:DescribeTable", ...common, "dynamodb:Scan"],
      })
    },
  ],
  [
    "The platform repeats no run and drops an event that is older than 15 minutes.",
    (template) => {
      const configured = ofType(template, "AWS::Lambda::EventInvokeConfig")
      expect(configured).toHaveLength(LOGICAL.length)
      for (const one of configured)
        expect(one).toMatchObject({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 900 })
    },
  ],
  [
    "Each function has concurrency of its own.",
    (template) => {
      for (const name of LOGICAL) {
        expect(at(template, `${name}LambdaFunction`)["ReservedConcurrentExecutions"]).toEqual({
          "Fn::If": ["Reserves", expect.any(Number), { Ref: "AWS::NoValue" }],
        })
      }
    },
  ],
  [
    "Logs are JSON.",
    (template) => {
      for (const name of LOGICAL) {
        expect(at(template, `${name}LambdaFunction`)["LoggingConfig"]).toMatchObject({
          LogFormat: "JSON",
          ApplicationLogLevel: "INFO",
        })
      }
    },
  ],
  [
    "Ledger, keys, logs and their encryption key stay when the stack goes.",
    (template) => {
      for (const id of ["LedgerTable", "KeysSecret", "Key", ...LOGICAL.map((name) => `${name}LogGroup`)])
        expect(template[id], id).toMatchObject({ DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain" })
    },
  ],
  [
    "No command deletes the ledger's table by mistake.",
    (template) => expect(at(template, "LedgerTable")["DeletionProtectionEnabled"]).toBe(true),
  ],
  [
    "Ledger, keys, logs, failed events and people's messages are encrypted with a key of this installation.",
    (template) => {
      expect(at(template, "Key")["EnableKeyRotation"]).toBe(true)
      expect(at(template, "LedgerTable")["SSESpecification"]).toMatchObject({ KMSMasterKeyId: KEY })
      expect(at(template, "KeysSecret")["KmsKeyId"]).toEqual(KEY)
      expect(at(template, "DeadLetters")["KmsMasterKeyId"]).toEqual(KEY)
      expect(at(template, "Operators")["KmsMasterKeyId"]).toEqual(KEY)
      for (const name of LOGICAL) expect(at(template, `${name}LogGroup`)["KmsKeyId"]).toEqual(KEY)
    },
  ],
  [
    "Every function's errors, throttles and lost events reach people.",
    (template) => {
      for (const name of LOGICAL) {
        for (const metric of ["Errors", "Throttles", "AsyncEventsDropped"]) {
          expect(at(template, `${name}${metric}`)).toMatchObject({
            ...TO_PEOPLE,
            Namespace: "AWS/Lambda",
            MetricName: metric,
            Dimensions: [{ Name: "FunctionName", Value: { Ref: `${name}LambdaFunction` } }],
            ComparisonOperator: "GreaterThanThreshold",
            Threshold: 0,
          })
        }
      }
    },
  ],
  [
    "An alarm reaches people if no tick comes in 15 minutes, or if its metric has no data.",
    (template) =>
      expect(at(template, "MissingTick")).toMatchObject({
        ...TO_PEOPLE,
        MetricName: "Invocations",
        Dimensions: [{ Name: "FunctionName", Value: { Ref: "ScheduleLambdaFunction" } }],
        Period: 900,
        ComparisonOperator: "LessThanThreshold",
        Threshold: 1,
        TreatMissingData: "breaching",
      }),
  ],
  [
    "An event in the dead-letter queue reaches people.",
    (template) =>
      expect(at(template, "DeadLettersVisible")).toMatchObject({
        ...TO_PEOPLE,
        MetricName: "ApproximateNumberOfMessagesVisible",
        Dimensions: [{ Name: "QueueName", Value: { "Fn::GetAtt": ["DeadLetters", "QueueName"] } }],
      }),
  ],
  [
    "An order with an unknown outcome and an error in a log reach people, whichever function logged it.",
    (template) => {
      const metrics = ofType(template, "AWS::Logs::MetricFilter").map(
        ({ LogGroupName, MetricTransformations }) => {
          const [{ MetricName } = {}] = MetricTransformations as { MetricName?: string }[]
          return `${(LogGroupName as { Ref: string }).Ref} ${MetricName}`
        },
      )
      for (const name of LOGICAL) {
        for (const metric of ["UnknownOutcome", "OpenAttempt", "LoggedErrors"])
          expect(metrics).toContain(`${name}LogGroup ${metric}`)
      }
      const namespace = "supernode-autoscaler-dev"
      const unknown = { ...TO_PEOPLE, Namespace: namespace, MetricName: "UnknownOutcome" }
      expect(at(template, "UnknownOutcome")).toMatchObject(unknown)
      expect(at(template, "LedgerFault")).toMatchObject({ ...unknown, MetricName: "LoggedErrors" })
    },
  ],
  [
    "EventBridge passes on only alarms whose name has the load prefix, and no alarm of this installation.",
    (template) => {
      const rule = ofType(template, "AWS::Events::Rule").find(({ EventPattern }) => EventPattern)
      const pattern = rule?.["EventPattern"] as { detail: { alarmName: [{ prefix: string }] } }
      const [{ prefix }] = pattern.detail.alarmName
      expect(prefix).toBe("supernode-load-")
      const own = ofType(template, "AWS::CloudWatch::Alarm").map(({ AlarmName }) => AlarmName)
      expect(own.length).toBeGreaterThan(10)
      for (const name of own) expect(name).not.toMatch(`^${prefix}`)
    },
  ],
  [
    "The operators' topic wakes no function.",
    (template) => {
      expect(at(template, "Operators")).not.toHaveProperty("Subscription")
      expect(ofType(template, "AWS::SNS::Subscription").map(({ Protocol }) => Protocol)).toEqual(["email"])
    },
  ],
  [
    "One dashboard shows ticks, failures, unknown outcomes and dead letters.",
    (template) => {
      const { "Fn::Sub": body } = at(template, "Dashboard")["DashboardBody"] as { "Fn::Sub": string }
      const titles = JSON.parse(body).widgets.map(
        (one: { properties: { title: string } }) => one.properties.title,
      )
      expect(titles).toEqual(["Ticks and failures", "Orders that need a look", "Dead letters"])
    },
  ],
]
