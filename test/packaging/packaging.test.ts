import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { readdir, readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { filesAtStart } from "../bench/sizes.ts"
import { exportsOf, makeBareWorkshop, makeWorkshop, packageWorkshop } from "./built.ts"
import { NAMES, PROMISES, type Resource, statementsOf, TO_PEOPLE } from "./promises.ts"
import { filesInZip } from "./zip.ts"

const TEMPLATE = "cloudformation-template-update-stack.json"

let workshop: Awaited<ReturnType<typeof makeWorkshop>> | undefined
let folder: string
let out: string
let resources: Record<string, Resource>

async function resourcesIn(folder: string): Promise<Record<string, Resource>> {
  return JSON.parse(await readFile(join(folder, TEMPLATE), "utf8")).Resources
}

function ofType(type: string): Resource[] {
  return Object.values(resources).filter((resource) => resource.Type === type)
}

beforeAll(async () => {
  workshop = await makeWorkshop()
  folder = workshop.folder
  out = await packageWorkshop(folder)
  resources = await resourcesIn(out)
})

afterAll(async () => {
  await workshop?.remove()
})

describe("the bundles", () => {
  it.each(NAMES)(
    "the bundle %s exports only its handler, and needs no file outside its folder",
    async (name) => {
      expect(await exportsOf(folder, `dist/${name}/index.mjs`)).toEqual(["handler"])
    },
  )

  it.each(NAMES)(
    "the bundle %s reports the required Node.js before it loads code that an older Node.js cannot parse",
    (name) => {
      const entry = join(folder, "dist", name, "index.mjs")
      // This Node.js cannot parse it, as an older one cannot parse newer syntax.
      const main = join(dirname(entry), "main.js")
      const cannotParse = "class {"
      const script = `Object.defineProperty(process.versions, "node", { value: "18.20.8" })
      import(${JSON.stringify(entry)}).then(() => console.log("loaded"), (error) => console.log(error.message))`
      const whole = readFileSync(main, "utf8")
      writeFileSync(main, `${cannotParse};${whole}`)
      const { stdout } = spawnSync(process.execPath, ["-e", script], {
        cwd: folder,
        encoding: "utf8",
        env: {},
      })
      writeFileSync(main, whole)
      expect(stdout).toMatch(
        /^supernode-autoscaler needs Node.js 20\.15\.1 or newer, but this is 18\.20\.8; /,
      )
    },
  )

  it.each(NAMES)(
    "the bundle %s does not load the clients of Amazon and PostgreSQL at start",
    async (name) => {
      const entry = join(folder, "dist", name, "index.mjs")
      const atStart = filesAtStart(entry)
      for (const service of ["GraniteServiceVersion20100801", "DynamoDB_20120810", "pg_is_in_recovery"]) {
        const files = (await readdir(dirname(entry))).map((file) => join(dirname(entry), file))
        const naming: string[] = []
        for (const file of files) if ((await readFile(file, "utf8")).includes(service)) naming.push(file)
        expect(naming, service).not.toEqual([])
        expect(naming.filter((file) => atStart.has(file))).toEqual([])
      }
    },
  )

  it("the bundle manual runs a command, and loads the command line's code only for a command", async () => {
    const entry = join(folder, "dist/manual/index.mjs")
    const texts = await Promise.all([...filesAtStart(entry)].map((file) => readFile(file, "utf8")))
    expect(texts.filter((text) => text.includes("commander.unknownCommand"))).toEqual([])
    const script = `import(${JSON.stringify(entry)}).then(({ handler }) => handler({ command: ["--version"] }, {}))
      .then((answer) => process.stdout.write("\\n" + JSON.stringify(answer)))`
    const { stdout } = spawnSync(process.execPath, ["-e", script], { cwd: folder, encoding: "utf8", env: {} })
    const { version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"))
    expect(JSON.parse(stdout.split("\n").at(-1) ?? "")).toEqual({ lines: [version] })
  })

  it("the bundle functiongraph is CommonJS and exports only the handlers alarm, schedule and manual", async () => {
    const exported = await exportsOf(folder, "dist/functiongraph/index.js")
    expect(exported).toEqual(expect.arrayContaining(["alarm", "manual", "schedule"]))
    expect(exported.filter((name) => !["default", "module.exports"].includes(name))).toHaveLength(3)
  })
})

describe("the command line's bundle", () => {
  it("the command line's bundle can be executed directly", () => {
    const { status, stdout } = spawnSync(join(folder, "dist/cli/index.js"), ["--help"], {
      cwd: folder,
      encoding: "utf8",
    })
    expect(status).toBe(0)
    expect(stdout).toContain("supernode-autoscaler")
  })
})

describe("packaging without credentials", () => {
  it.each(NAMES)(
    "packaging for AWS puts into %s.zip its own bundle and the policy, and nothing else",
    async (name) => {
      const files = filesInZip(await readFile(join(out, `${name}.zip`)))
      expect(files).toEqual(
        expect.arrayContaining([`dist/${name}/index.mjs`, "policy.yaml", "policy/boot.sh"]),
      )
      const foreign = files.filter((file) => !file.startsWith(`dist/${name}/`) && !file.startsWith("policy"))
      expect(foreign).toEqual([])
    },
  )

  it("packaging for AWS makes the three functions on nodejs24.x, with the time that a purchase takes", () => {
    const functions = ofType("AWS::Lambda::Function").map(({ Properties }) => Properties)
    expect(functions.map(({ Handler }) => Handler).sort()).toEqual(
      NAMES.map((name) => `dist/${name}/index.handler`).sort(),
    )
    for (const { Runtime, Timeout } of functions) {
      expect(Runtime).toBe("nodejs24.x")
      expect(Timeout).toBeGreaterThanOrEqual(150)
    }
  })

  it("packaging for AWS observes by default, and keeps the ledger in the table", () => {
    const table = ofType("AWS::DynamoDB::Table")[0]?.Properties["TableName"]
    for (const { Properties } of ofType("AWS::Lambda::Function")) {
      expect(Properties["Environment"]).toMatchObject({
        Variables: { SUPERNODE_MODE: "observe", SUPERNODE_LEDGER: `dynamodb://${table}?region=eu-central-1` },
      })
    }
  })

  it("packaging for AWS lets the platform repeat no event, and keeps failed events in the dead-letter queue", () => {
    const attempts = ofType("AWS::Lambda::EventInvokeConfig").map(
      ({ Properties }) => Properties["MaximumRetryAttempts"],
    )
    expect(attempts).toEqual([0, 0, 0])
    const queue = Object.entries(resources).find(([, { Type }]) => Type === "AWS::SQS::Queue")?.[0]
    for (const { Properties } of ofType("AWS::Lambda::Function")) {
      expect(Properties["DeadLetterConfig"]).toEqual({ TargetArn: { "Fn::GetAtt": [queue, "Arn"] } })
    }
  })

  it("packaging for AWS invokes the alarm function by SNS, EventBridge and alarms, and ticks every 5 minutes", () => {
    const callers = ofType("AWS::Lambda::Permission").map(({ Properties }) => Properties["Principal"])
    expect(callers.sort()).toEqual([
      "events.amazonaws.com",
      "events.amazonaws.com",
      "lambda.alarms.cloudwatch.amazonaws.com",
      "sns.amazonaws.com",
    ])
    expect(ofType("AWS::SNS::Topic")[0]?.Properties["Subscription"]).toMatchObject([{ Protocol: "lambda" }])
    const rules = ofType("AWS::Events::Rule").map(({ Properties }) => Properties)
    expect(rules).toContainEqual(expect.objectContaining({ ScheduleExpression: "rate(5 minutes)" }))
    expect(rules.find(({ EventPattern }) => EventPattern)?.["EventPattern"]).toMatchObject({
      source: ["aws.cloudwatch"],
      "detail-type": ["CloudWatch Alarm State Change"],
    })
  })

  it("packaging for AWS keys the ledger's table by stream and seq, and makes it restorable and kept after the stack", () => {
    const [table, ...others] = ofType("AWS::DynamoDB::Table")
    expect(others).toEqual([])
    expect(table).toMatchObject({
      DeletionPolicy: "Retain",
      UpdateReplacePolicy: "Retain",
      Properties: {
        KeySchema: [
          { AttributeName: "stream", KeyType: "HASH" },
          { AttributeName: "seq", KeyType: "RANGE" },
        ],
        AttributeDefinitions: [
          { AttributeName: "stream", AttributeType: "S" },
          { AttributeName: "seq", AttributeType: "N" },
        ],
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      },
    })
  })

  it("packaging for AWS makes no public URL by default", () => {
    expect(ofType("AWS::Lambda::Url")).toEqual([])
  })
})

describe("packaging with another stage, another region and every parameter", () => {
  const PARAMS = [
    "functionUrl=true",
    "operatorEmail=ann@example.com",
    "alarmPrefix=npu-",
    "ledgerTable=supernode-ledger-old",
    "ledgerKey=11111111-2222-3333-4444-555555555555",
    "reserve=false",
    "shards=4",
  ]
  let template: { Resources: Record<string, Resource>; Conditions: Record<string, unknown> }

  beforeAll(async () => {
    const bare = await makeBareWorkshop()
    const options = ["--stage", "prod", "--region", "ap-southeast-1"]
    const made = await packageWorkshop(bare.folder, { params: PARAMS, options })
    template = JSON.parse(await readFile(join(made, TEMPLATE), "utf8"))
    await bare.remove()
  }, 240_000)

  const asText = (value: unknown) => JSON.stringify(value)
  const named = (type: string) => Object.values(template.Resources).filter(({ Type }) => Type === type)

  it("packaging for AWS puts the stage into every name, so that one account can have two stages", () => {
    for (const name of NAMES)
      expect(asText(named("AWS::Lambda::Function"))).toContain(`"supernode-autoscaler-prod-${name}"`)
    expect(asText(template.Resources)).not.toContain("autoscaler-dev")
    expect(asText(template.Resources)).not.toContain("alarms-dev")
  })

  it("packaging for AWS can use an existing ledger table, makes none then, and allows the use of its encryption key", () => {
    expect(template.Conditions["MakesLedger"]).toEqual({ "Fn::Equals": ["supernode-ledger-old", ""] })
    expect(template.Resources["LedgerTable"]?.Condition).toBe("MakesLedger")
    for (const { Properties } of named("AWS::Lambda::Function"))
      expect(Properties["Environment"]).toMatchObject({
        Variables: { SUPERNODE_LEDGER: "dynamodb://supernode-ledger-old?region=ap-southeast-1" },
      })
    for (const name of ["Alarm", "Schedule", "Manual"]) {
      const rights = asText(statementsOf(template.Resources, name))
      expect(rights).toContain("table/supernode-ledger-old")
      expect(rights).toContain("key/11111111-2222-3333-4444-555555555555")
    }
    expect(template.Conditions["HasLedgerKey"]).toMatchObject({ "Fn::Not": [{}] })
  })

  it("packaging for AWS subscribes the operator, filters alarms by name prefix, and can omit reserved concurrency", () => {
    const [subscription] = named("AWS::SNS::Subscription")
    expect(subscription).toMatchObject({
      Condition: "HasOperator",
      Properties: { Endpoint: "ann@example.com" },
    })
    const rules = named("AWS::Events::Rule").map(({ Properties }) => asText(Properties["EventPattern"]))
    expect(rules.filter((rule) => rule?.includes('[{"prefix":"npu-"}]'))).toHaveLength(1)
    expect(template.Conditions["Reserves"]).toEqual({ "Fn::Equals": ["false", "true"] })
  })

  it("packaging for AWS makes one schedule for each shard, and enough concurrency for all shards at once", () => {
    const inputs = named("AWS::Events::Rule").flatMap(({ Properties }) =>
      Properties["ScheduleExpression"] === "rate(5 minutes)"
        ? (Properties["Targets"] as Resource["Properties"][])
        : [],
    )
    expect(inputs.map(({ InputTransformer }) => InputTransformer)).toEqual(
      ["1/4", "2/4", "3/4", "4/4"].map((shard) => ({
        InputPathsMap: { time: "$.time" },
        InputTemplate: `{"kind": "tick", "time": <time>, "shard": "${shard}"}`,
      })),
    )
    expect(
      template.Resources["ScheduleLambdaFunction"]?.Properties["ReservedConcurrentExecutions"],
    ).toMatchObject({
      "Fn::If": ["Reserves", 5, {}],
    })
  })

  it("packaging for AWS makes one alarm for each shard that gets no ticks, on the metrics of that shard's schedule", () => {
    const rules = Object.entries(template.Resources).filter(
      ([, { Properties }]) => Properties?.["ScheduleExpression"] === "rate(5 minutes)",
    )
    const alarms = rules.map(([rule, { Properties }], nth) => {
      const [target] = Properties["Targets"] as Resource["Properties"][]
      expect(JSON.stringify(target?.["InputTransformer"])).toContain(`${nth + 1}/4`)
      return [`supernode-autoscaler-prod-MissingTick${nth + 1}`, [{ Name: "RuleName", Value: { Ref: rule } }]]
    })
    expect(alarms.length).toBe(4)
    const made = (metric: string) =>
      named("AWS::CloudWatch::Alarm").flatMap(({ Properties }) =>
        Properties["Namespace"] === "AWS/Events" && Properties["MetricName"] === metric ? [Properties] : [],
      )
    const missing = made("Invocations")
    expect(missing.map(({ AlarmName, Dimensions }) => [AlarmName, Dimensions])).toEqual(alarms)
    for (const properties of missing)
      expect(properties).toMatchObject({
        ...TO_PEOPLE,
        Period: 900,
        ComparisonOperator: "LessThanThreshold",
        Threshold: 1,
        TreatMissingData: "breaching",
      })
    // `Invocations` also counts those that failed for good.
    const failed = made("FailedInvocations")
    expect(failed.map(({ Dimensions }) => Dimensions)).toEqual(alarms.map(([, rule]) => rule))
    for (const properties of failed)
      expect(properties).toMatchObject({
        ...TO_PEOPLE,
        ComparisonOperator: "GreaterThanThreshold",
        Threshold: 0,
      })
  })

  it("packaging for AWS can make a public URL, and lets the public invoke a function only by that URL", () => {
    const asked = Object.values(template.Resources)
    expect(asked.filter(({ Type }) => Type === "AWS::Lambda::Url")).toHaveLength(1)
    const open = asked.filter(
      ({ Type, Properties }) => Type === "AWS::Lambda::Permission" && Properties["Principal"] === "*",
    )
    expect(open).not.toEqual([])
    for (const { Properties } of open) {
      expect(Properties["FunctionUrlAuthType"] ?? Properties["InvokedViaFunctionUrl"]).toBeTruthy()
    }
  })
})

describe("the promises of serverless.yml", () => {
  it.each(PROMISES)("serverless.yml promises: %s", (_sentence, check) => check(resources))
})

describe("the roles", () => {
  it("the AWS roles allow logs, the ledger, the secret, CloudWatch, the queue and messages to people", () => {
    const { actions } = rightsOf("Schedule")
    expect(actions).toEqual([
      "cloudwatch:GetMetricData",
      "dynamodb:BatchGetItem",
      "dynamodb:PutItem",
      "dynamodb:Query",
      "kms:Decrypt",
      "kms:GenerateDataKey",
      "logs:CreateLogStream",
      "logs:PutLogEvents",
      "secretsmanager:GetSecretValue",
      "sns:Publish",
      "sqs:SendMessage",
    ])
    expect(rightsOf("Alarm").actions).toEqual(actions)
  })

  it.each(["Alarm", "Schedule", "Manual"])(
    "the AWS role %s reaches only resources that this stack names, except CloudWatch",
    (name) => {
      const [metrics] = rightsOf(name).statements.filter(
        ({ Action }) => Action === "cloudwatch:GetMetricData",
      )
      expect(metrics).toMatchObject({ Effect: "Allow", Resource: "*" })
      // A star may match only the streams of one log group.
      const targets = rightsOf(name).statements.flatMap((one) => (one === metrics ? [] : one.Resource))
      const logGroup =
        /^arn:[^*]*:log-group:\/aws\/lambda\/supernode-autoscaler-dev-(alarm|schedule|manual):\*$/
      const table = /^arn:[^*]*:table\/supernode-autoscaler-ledger-dev$/
      for (const target of targets) {
        const text = JSON.stringify(target)
        if (/^\{"(Ref|Fn::GetAtt|Fn::If)":/.test(text)) expect(text).not.toContain("*")
        else if (text.includes("*")) expect((target as { "Fn::Sub": string })["Fn::Sub"]).toMatch(logGroup)
        else expect((target as { "Fn::Sub": string })["Fn::Sub"]).toMatch(table)
      }
    },
  )
})

function rightsOf(name: string) {
  const statements = statementsOf(resources, name)
  return { statements, actions: statements.flatMap(({ Action }) => Action).sort() }
}

const hasCfnLint = spawnSync("cfn-lint", ["--version"]).status === 0

it.skipIf(!hasCfnLint)("CloudFormation's linter finds no error in the AWS template", () => {
  const { status, stdout } = spawnSync("cfn-lint", ["--non-zero-exit-code", "error", join(out, TEMPLATE)], {
    encoding: "utf8",
  })
  expect(`${status}\n${status === 0 ? "" : stdout}`).toBe("0\n")
})
