import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { readdir, readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest"
import { filesAtStart } from "../bench/sizes.ts"
import { exportsOf, makeBareWorkshop, makeWorkshop, packageWorkshop } from "./built.ts"
import { NAMES, PROMISES, type Resource, statementsOf } from "./promises.ts"
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
  it.each(NAMES)("%s exports its handler alone, and needs nothing beside its folder", async (name) => {
    expect(await exportsOf(folder, `dist/${name}/index.mjs`)).toEqual(["handler"])
  })

  it.each(NAMES)("%s says which Node.js it needs before it loads what an older one cannot link", (name) => {
    const entry = join(folder, "dist", name, "index.mjs")
    // What this Node.js would refuse at link time, as an older one refuses a missing export.
    const main = join(dirname(entry), "main.mjs")
    const cannotLink = `import { absent } from "node:crypto"`
    const script = `Object.defineProperty(process.versions, "node", { value: "18.20.8" })
      import(${JSON.stringify(entry)}).then(() => console.log("loaded"), (error) => console.log(error.message))`
    const whole = readFileSync(main, "utf8")
    writeFileSync(main, `${cannotLink};${whole}`)
    const { stdout } = spawnSync(process.execPath, ["-e", script], { cwd: folder, encoding: "utf8", env: {} })
    writeFileSync(main, whole)
    expect(stdout).toMatch(/^supernode-autoscaler needs Node.js 20\.15\.1 or newer, and this is 18\.20\.8; /)
  })

  it.each(NAMES)(
    "%s loads the clients of Amazon and PostgreSQL only when something asks for them",
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

  it("manual runs a command, and loads what commands need only for one", async () => {
    const entry = join(folder, "dist/manual/index.mjs")
    const texts = await Promise.all([...filesAtStart(entry)].map((file) => readFile(file, "utf8")))
    expect(texts.filter((text) => text.includes("commander.unknownCommand"))).toEqual([])
    const script = `import(${JSON.stringify(entry)}).then(({ handler }) => handler({ command: ["--version"] }, {}))
      .then((answer) => process.stdout.write("\\n" + JSON.stringify(answer)))`
    const { stdout } = spawnSync(process.execPath, ["-e", script], { cwd: folder, encoding: "utf8", env: {} })
    const { version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"))
    expect(JSON.parse(stdout.split("\n").at(-1) ?? "")).toEqual({ lines: [version] })
  })

  it("functiongraph is CommonJS and exports its three doors", async () => {
    const exported = await exportsOf(folder, "dist/functiongraph/index.js")
    expect(exported).toEqual(expect.arrayContaining(["alarm", "manual", "schedule"]))
    expect(exported.filter((name) => !["default", "module.exports"].includes(name))).toHaveLength(3)
  })
})

describe("the command line's bundle", () => {
  it("can be run as it is", () => {
    const { status, stdout } = spawnSync(join(folder, "dist/cli/index.mjs"), ["--help"], {
      cwd: folder,
      encoding: "utf8",
    })
    expect(status).toBe(0)
    expect(stdout).toContain("supernode-autoscaler")
  })
})

describe("packaging without credentials", () => {
  it.each(NAMES)("puts into %s.zip its own bundle and the policy, and nothing else", async (name) => {
    const files = filesInZip(await readFile(join(out, `${name}.zip`)))
    expect(files).toEqual(expect.arrayContaining([`dist/${name}/index.mjs`, "policy.yaml", "policy/boot.sh"]))
    const foreign = files.filter((file) => !file.startsWith(`dist/${name}/`) && !file.startsWith("policy"))
    expect(foreign).toEqual([])
  })

  it("makes the three functions on nodejs24.x, with the time that a purchase takes", () => {
    const functions = ofType("AWS::Lambda::Function").map(({ Properties }) => Properties)
    expect(functions.map(({ Handler }) => Handler).sort()).toEqual(
      NAMES.map((name) => `dist/${name}/index.handler`).sort(),
    )
    for (const { Runtime, Timeout } of functions) {
      expect(Runtime).toBe("nodejs24.x")
      expect(Timeout).toBeGreaterThanOrEqual(150)
    }
  })

  it("only observes unless told otherwise, and keeps its ledger in the table", () => {
    const table = ofType("AWS::DynamoDB::Table")[0]?.Properties["TableName"]
    for (const { Properties } of ofType("AWS::Lambda::Function")) {
      expect(Properties["Environment"]).toMatchObject({
        Variables: { SUPERNODE_MODE: "observe", SUPERNODE_LEDGER: `dynamodb://${table}?region=eu-central-1` },
      })
    }
  })

  it("lets the platform repeat nothing, and keeps what failed in the dead-letter queue", () => {
    const attempts = ofType("AWS::Lambda::EventInvokeConfig").map(
      ({ Properties }) => Properties["MaximumRetryAttempts"],
    )
    expect(attempts).toEqual([0, 0, 0])
    const queue = Object.entries(resources).find(([, { Type }]) => Type === "AWS::SQS::Queue")?.[0]
    for (const { Properties } of ofType("AWS::Lambda::Function")) {
      expect(Properties["DeadLetterConfig"]).toEqual({ TargetArn: { "Fn::GetAtt": [queue, "Arn"] } })
    }
  })

  it("wakes the alarm function by SNS, EventBridge and direct action, and the tick every five minutes", () => {
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

  it("keeps the ledger by stream and seq, recoverable, and even when the stack goes", () => {
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

  it("has no public URL", () => {
    expect(ofType("AWS::Lambda::Url")).toEqual([])
  })

  it("has a public URL where it is asked for, by which nothing else may be invoked", async () => {
    const bare = await makeBareWorkshop()
    onTestFinished(bare.remove)
    const asked = Object.values(await resourcesIn(await packageWorkshop(bare.folder, ["functionUrl=true"])))
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
  it.each(PROMISES)("%s", (_sentence, check) => check(resources))
})

describe("the roles", () => {
  it("may write logs, append to and read the ledger, read secret and CloudWatch, and report to queue and people", () => {
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
    "%s may do so only to what this stack names, but for CloudWatch",
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

it.skipIf(!hasCfnLint)("CloudFormation's linter finds no error in the template", () => {
  const { status, stdout } = spawnSync("cfn-lint", ["--non-zero-exit-code", "error", join(out, TEMPLATE)], {
    encoding: "utf8",
  })
  expect(`${status}\n${status === 0 ? "" : stdout}`).toBe("0\n")
})
