import { describe, expect, it } from "vitest"
import { readSettings, type Settings, SettingsError } from "../../lib/app/settings.ts"

const settingsOf = (env: Record<string, string>): Settings =>
  readSettings((name) => env[name], Object.keys(env))

function problemsOf(env: Record<string, string>): string[] {
  try {
    settingsOf(env)
    return []
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
}

const LAMBDA = { AWS_LAMBDA_FUNCTION_NAME: "alarm" }
const FUNCTIONGRAPH = { RUNTIME_FUNC_NAME: "alarm" }
const LIVE = { SUPERNODE_MODE: "live" }
const SMN = "urn:smn:cn-southwest-2:0123456789abcdef0123456789abcdef:alarms"
const SNS = "arn:aws:sns:eu-central-1:123456789012:alarms"

describe("the default settings", () => {
  it("without any environment variable, every setting has its documented default, and the mode is observe", () => {
    expect(settingsOf({})).toEqual({
      policyPath: "./policy.yaml",
      ledgerUrl: "sqlite:./ledger.db",
      mode: "observe",
      modelartsEndpoint: null,
      cesEndpoint: null,
      bssEndpoint: null,
      ctsEndpoint: null,
      smnEndpoint: null,
      webhookTokens: [],
      metricsTokens: [],
      logLevel: "INFO",
      buyTimeoutMs: 60_000,
      sendWithinMs: 30_000,
      credentials: null,
      dynamodbCredentials: null,
      postgresPassword: null,
      secretArn: null,
      prometheusAuth: null,
      awsRegion: null,
      smnTopics: [],
      snsTopics: [],
      proxy: null,
      isServerless: false,
    })
  })

  it("an empty setting counts as unset: an empty mode means observe, and an empty token closes the webhook", () => {
    expect(settingsOf({ SUPERNODE_MODE: "", SUPERNODE_WEBHOOK_TOKEN: " ", SUPERNODE_LEDGER: "" })).toEqual(
      settingsOf({}),
    )
  })
})

describe("valid settings", () => {
  it.each<[string, Record<string, string>, Partial<Settings>]>([
    ["the policy's path", { SUPERNODE_POLICY: "/etc/policy.yaml" }, { policyPath: "/etc/policy.yaml" }],
    ["live mode", LIVE, { mode: "live" }],
    [
      "the proxy, with the lower-case name first, as curl does",
      { HTTPS_PROXY: "http://upper:3128", https_proxy: "http://lower:3128", NO_PROXY: ".example.com" },
      { proxy: { address: "http://lower:3128", noProxy: ".example.com" } },
    ],
    ["the log level, in any case", { SUPERNODE_LOG_LEVEL: "debug" }, { logLevel: "DEBUG" }],
    [
      "an endpoint, and remove its slash",
      { SUPERNODE_MODELARTS_ENDPOINT: "https://modelarts.example.com/" },
      { modelartsEndpoint: "https://modelarts.example.com" },
    ],
    [
      "an endpoint with a port",
      { SUPERNODE_CES_ENDPOINT: "https://ces.example.com:8443" },
      { cesEndpoint: "https://ces.example.com:8443" },
    ],
    [
      "plain http to this machine",
      { SUPERNODE_MODELARTS_ENDPOINT: "http://127.0.0.1:4010" },
      { modelartsEndpoint: "http://127.0.0.1:4010" },
    ],
    [
      "plain http to localhost",
      { SUPERNODE_MODELARTS_ENDPOINT: "http://localhost:4010/" },
      { modelartsEndpoint: "http://localhost:4010" },
    ],
    [
      "plain http to ::1",
      { SUPERNODE_CES_ENDPOINT: "http://[::1]:4010" },
      { cesEndpoint: "http://[::1]:4010" },
    ],
    [
      "time limits",
      { SUPERNODE_BUY_TIMEOUT: "90s", SUPERNODE_SEND_WITHIN: "15m" },
      { buyTimeoutMs: 90_000, sendWithinMs: 900_000 },
    ],
    [
      "permanent keys",
      { HUAWEICLOUD_SDK_AK: "A", HUAWEICLOUD_SDK_SK: "S" },
      { credentials: { ak: "A", sk: "S", securityToken: null } },
    ],
    [
      "a relative path of the policy, in the folder of FunctionGraph's code",
      { SUPERNODE_POLICY: "more/policy.yaml", RUNTIME_CODE_ROOT: "/opt/function/code" },
      { policyPath: "/opt/function/code/more/policy.yaml" },
    ],
    [
      "the default path of the policy, in the folder of AWS Lambda's code",
      { LAMBDA_TASK_ROOT: "/var/task" },
      { policyPath: "/var/task/policy.yaml" },
    ],
    [
      "an absolute path of the policy on a function platform",
      { SUPERNODE_POLICY: "/mnt/policy.yaml", RUNTIME_CODE_ROOT: "/opt/function/code" },
      { policyPath: "/mnt/policy.yaml" },
    ],
    [
      "a relative path of the ledger's certificates, in the folder of the function's code",
      {
        SUPERNODE_LEDGER: "postgres://me:hush@db/a?sslrootcert=rds-ca.pem",
        RUNTIME_CODE_ROOT: "/opt/function/code",
      },
      { ledgerUrl: "postgres://me:hush@db/a?sslrootcert=/opt/function/code/rds-ca.pem" },
    ],
    [
      "a relative path of the ledger's certificates elsewhere, unchanged",
      { SUPERNODE_LEDGER: "postgres://me:hush@db/a?sslrootcert=rds-ca.pem" },
      { ledgerUrl: "postgres://me:hush@db/a?sslrootcert=rds-ca.pem" },
    ],
    [
      "a relative path of a Prometheus' certificates, in the folder of the function's code",
      {
        SUPERNODE_PROMETHEUS_AUTH: '{ "https://prometheus.example.com": { "ca": "ca.pem" } }',
        RUNTIME_CODE_ROOT: "/opt/function/code",
      },
      { prometheusAuth: [expect.objectContaining({ ca: "/opt/function/code/ca.pem" })] },
    ],
    [
      "temporary keys",
      { HUAWEICLOUD_SDK_AK: "A", HUAWEICLOUD_SDK_SK: "S", HUAWEICLOUD_SDK_SECURITY_TOKEN: "T" },
      { credentials: { ak: "A", sk: "S", securityToken: "T" } },
    ],
    [
      "GeminiDB's keys",
      { SUPERNODE_DYNAMODB_AK: "A", SUPERNODE_DYNAMODB_SK: "S" },
      { dynamodbCredentials: { accessKeyId: "A", secretAccessKey: "S" } },
    ],
    [
      "the secret's ARN",
      { SUPERNODE_SECRET_ARN: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:huawei/keys-AbCdEf" },
      { secretArn: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:huawei/keys-AbCdEf" },
    ],
    [
      "topics, separated by commas",
      { SUPERNODE_SMN_TOPICS: `${SMN}, ${SMN}2,`, SUPERNODE_SNS_TOPICS: SNS },
      { smnTopics: [SMN, `${SMN}2`], snsTopics: [SNS] },
    ],
    ["a ledger in memory", { SUPERNODE_LEDGER: "memory:" }, { ledgerUrl: "memory:" }],
    ["PostgreSQL's password, with its spaces", { PGPASSWORD: " a b " }, { postgresPassword: " a b " }],
    [
      "a ledger in PostgreSQL, live on a function",
      { ...LIVE, ...LAMBDA, SUPERNODE_LEDGER: "postgres://me:hush@db.example.com/supernodes" },
      { ledgerUrl: "postgres://me:hush@db.example.com/supernodes", isServerless: true },
    ],
    [
      "a ledger on DynamoDB",
      { ...LIVE, ...LAMBDA, SUPERNODE_LEDGER: "dynamodb://supernode_ledger-1?region=eu-central-1" },
      { ledgerUrl: "dynamodb://supernode_ledger-1?region=eu-central-1", isServerless: true },
    ],
    [
      "a ledger on GeminiDB",
      {
        ...LIVE,
        ...FUNCTIONGRAPH,
        SUPERNODE_LEDGER: "dynamodb://ledger?region=cn-southwest-2&endpoint=http://192.168.0.5:8000",
      },
      { mode: "live", isServerless: true },
    ],
    [
      "SQLite in a function that only observes",
      { ...LAMBDA, SUPERNODE_LEDGER: "sqlite:/tmp/ledger.db" },
      { mode: "observe", isServerless: true },
    ],
    [
      "SQLite in live mode on a host",
      { ...LIVE, SUPERNODE_LEDGER: "sqlite:/var/lib/ledger.db" },
      { ledgerUrl: "sqlite:/var/lib/ledger.db", isServerless: false },
    ],
  ])("the settings accept %s", (_, env, expected) => {
    expect(settingsOf(env)).toMatchObject(expected)
  })

  it("the settings ignore the variables of other programs", () => {
    expect(problemsOf({ PATH: "/bin", HUAWEICLOUD_SDK_PROJECT_ID: "x", AWS_REGION: "eu-central-1" })).toEqual(
      [],
    )
  })
})

const WEAK_TOKEN =
  "SUPERNODE_WEBHOOK_TOKEN: must be one token, or two separated by a comma during a rotation, each of 16 to 1024 printable ASCII characters without spaces and commas; `openssl rand -hex 24` makes one"

describe("wrong settings", () => {
  const PG = "postgres://USER@HOST[:PORT]/DB[?sslrootcert=FILE]"
  const FORMS = `write sqlite:PATH, dynamodb://TABLE?region=REGION[&endpoint=URL], ${PG} or memory:`
  const LEDGER_FORMS = `SUPERNODE_LEDGER: has an unknown scheme; ${FORMS}`
  const FILE = `SUPERNODE_LEDGER: has no file path; ${FORMS}`
  const HOST = "SUPERNODE_LEDGER: names a host; write sqlite:ledger.db or sqlite:/var/lib/ledger.db"
  const TABLE = "SUPERNODE_LEDGER: must name a table of 3 to 255 of A-Z a-z 0-9 _ -"
  const REGION = "SUPERNODE_LEDGER: must have a region, as in dynamodb://TABLE?region=eu-central-1"
  const DB_ENDPOINT = "SUPERNODE_LEDGER: must have an http or https url without credentials as endpoint"
  const ORIGIN =
    "SUPERNODE_CES_ENDPOINT: must be an origin such as https://modelarts.cn-southwest-2.myhuaweicloud.com: no user, path or query"
  const outlive = (scheme: string) =>
    `SUPERNODE_LEDGER: must be dynamodb://TABLE?region=REGION or ${PG} in live mode on a function. With ${scheme}:, each container would have its own ledger and could buy again`

  it.each<[string, Record<string, string>, string[]]>([
    [
      "a misspelt name",
      { SUPERNODE_LEGDER: "memory:" },
      ["SUPERNODE_LEGDER: is not a known setting; did you mean SUPERNODE_LEDGER?"],
    ],
    [
      "a name that is like no setting",
      { SUPERNODE_QQQQQQQQQQQQQ: "1" },
      [
        expect.stringMatching(
          /^SUPERNODE_QQQQQQQQQQQQQ: is not a known setting; known settings: SUPERNODE_MODE, SUPERNODE_POLICY, SUPERNODE_LEDGER, /,
        ),
      ],
    ],
    ["an unknown mode", { SUPERNODE_MODE: "Live" }, ['SUPERNODE_MODE: must be observe or live, not "Live"']],
    [
      "dry-run as a mode",
      { SUPERNODE_MODE: "dry-run" },
      ['SUPERNODE_MODE: must be observe or live, not "dry-run"'],
    ],
    [
      "an unknown log level",
      { SUPERNODE_LOG_LEVEL: "loud" },
      ['SUPERNODE_LOG_LEVEL: must be DEBUG or INFO or WARN or ERROR, not "LOUD"'],
    ],
    [
      "a time limit of zero",
      { SUPERNODE_BUY_TIMEOUT: "0s" },
      ['SUPERNODE_BUY_TIMEOUT: must be a duration above 0 and at most 15m, such as "60s", not "0s"'],
    ],
    [
      "a time limit without a unit",
      { SUPERNODE_SEND_WITHIN: "30" },
      ['SUPERNODE_SEND_WITHIN: must be a duration above 0 and at most 15m, such as "30s", not "30"'],
    ],
    [
      "a time limit longer than a function may run",
      { SUPERNODE_SEND_WITHIN: "16m" },
      ['SUPERNODE_SEND_WITHIN: must be a duration above 0 and at most 15m, such as "30s", not "16m"'],
    ],
    [
      "plain http to another machine",
      { SUPERNODE_MODELARTS_ENDPOINT: "http://modelarts.example.com" },
      [
        "SUPERNODE_MODELARTS_ENDPOINT: must be https: plain http is allowed only to this machine itself, and modelarts.example.com is not this machine",
      ],
    ],
    [
      "plain http to a name that looks like this machine",
      { SUPERNODE_MODELARTS_ENDPOINT: "http://127.0.0.1.example.com" },
      [
        "SUPERNODE_MODELARTS_ENDPOINT: must be https: plain http is allowed only to this machine itself, and 127.0.0.1.example.com is not this machine",
      ],
    ],
    ["an endpoint with a path", { SUPERNODE_CES_ENDPOINT: "https://ces.example.com/v1" }, [ORIGIN]],
    ["an endpoint with a password", { SUPERNODE_CES_ENDPOINT: "https://me:hush@ces.example.com" }, [ORIGIN]],
    ["an endpoint that is only a host", { SUPERNODE_CES_ENDPOINT: "ces.example.com" }, [ORIGIN]],
    ["an endpoint with another protocol", { SUPERNODE_CES_ENDPOINT: "ftp://ces.example.com" }, [ORIGIN]],
    ["a token that no header can carry", { SUPERNODE_WEBHOOK_TOKEN: "hush hush hush hush" }, [WEAK_TOKEN]],
    ...[
      `$${"{TOKEN_FROM_VAULT}"}`,
      "$TOKEN_FROM_VAULT_X",
      "{{.Values.webhookToken}}",
      "<put-a-token-here>",
    ].map((written): [string, Record<string, string>, string[]] => [
      `a placeholder that nothing replaced: ${written}`,
      { SUPERNODE_WEBHOOK_TOKEN: `a-token-of-16-characters,${written}` },
      [
        "SUPERNODE_WEBHOOK_TOKEN: is a placeholder that was not replaced, such as $TOKEN: write the token itself",
      ],
    ]),
    ["a token that can be guessed", { SUPERNODE_WEBHOOK_TOKEN: "hush" }, [WEAK_TOKEN]],
    [
      "a metrics token that can be guessed",
      { SUPERNODE_METRICS_TOKEN: "hush" },
      [WEAK_TOKEN.replace("WEBHOOK", "METRICS")],
    ],
    [
      "a second token that can be guessed",
      { SUPERNODE_WEBHOOK_TOKEN: "a-token-that-is-long-enough,hush" },
      [WEAK_TOKEN],
    ],
    [
      "three tokens",
      { SUPERNODE_WEBHOOK_TOKEN: "a-token-of-16-characters,a-token-of-16-characters,hush-hush-hush-hush" },
      [WEAK_TOKEN],
    ],
    ["a comma behind the token", { SUPERNODE_WEBHOOK_TOKEN: "a-token-of-16-characters," }, [WEAK_TOKEN]],
    [
      "an AK without an SK",
      { HUAWEICLOUD_SDK_AK: "hush" },
      ["HUAWEICLOUD_SDK_SK: must be set if HUAWEICLOUD_SDK_AK is set"],
    ],
    [
      "an SK without an AK",
      { HUAWEICLOUD_SDK_SK: "hush" },
      ["HUAWEICLOUD_SDK_AK: must be set if HUAWEICLOUD_SDK_SK is set"],
    ],
    [
      "a token without keys",
      { HUAWEICLOUD_SDK_SECURITY_TOKEN: "hush" },
      ["HUAWEICLOUD_SDK_SECURITY_TOKEN: must be set together with HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK"],
    ],
    [
      "half of GeminiDB's keys",
      { SUPERNODE_DYNAMODB_SK: "hush" },
      ["SUPERNODE_DYNAMODB_AK: must be set if SUPERNODE_DYNAMODB_SK is set"],
    ],
    [
      "a secret's name instead of its ARN",
      { SUPERNODE_SECRET_ARN: "hush" },
      [
        "SUPERNODE_SECRET_ARN: must be a Secrets Manager ARN such as arn:aws:secretsmanager:eu-central-1:123456789012:secret:huawei-AbCdEf",
      ],
    ],
    [
      "a text that is not a topic",
      { SUPERNODE_SMN_TOPICS: `${SMN},alarms` },
      [
        'SUPERNODE_SMN_TOPICS: must be an SMN topic such as urn:smn:cn-southwest-2:0123456789abcdef0123456789abcdef:alarms, not "alarms"; separate several with commas',
      ],
    ],
    ["a ledger of an unknown kind", { SUPERNODE_LEDGER: "mysql://me:hush@db" }, [LEDGER_FORMS]],
    ["a memory ledger with a path", { SUPERNODE_LEDGER: "memory:x" }, [LEDGER_FORMS]],
    ["SQLite without a file", { SUPERNODE_LEDGER: "sqlite:" }, [FILE]],
    ["SQLite in memory", { SUPERNODE_LEDGER: "sqlite::memory:" }, [FILE]],
    ["SQLite on a host", { SUPERNODE_LEDGER: "sqlite://ledger.db" }, [HOST]],
    ["DynamoDB without a region", { SUPERNODE_LEDGER: "dynamodb://ledger" }, [REGION]],
    ["DynamoDB without a table", { SUPERNODE_LEDGER: "dynamodb://?region=eu-central-1" }, [TABLE]],
    ["a table with a period", { SUPERNODE_LEDGER: "dynamodb://my.ledger?region=eu-central-1" }, [TABLE]],
    [
      "a table with too short a name, without a region, with an unknown key",
      { SUPERNODE_LEDGER: "dynamodb://ab?profile=hush" },
      [TABLE, REGION, "SUPERNODE_LEDGER: must have only the parameters region, endpoint"],
    ],
    [
      "two regions",
      { SUPERNODE_LEDGER: "dynamodb://ledger?region=a&region=b" },
      ["SUPERNODE_LEDGER: must not repeat a parameter"],
    ],
    [
      "an endpoint with a password in the ledger's URL",
      { SUPERNODE_LEDGER: "dynamodb://ledger?region=a&endpoint=http://me:hush@db" },
      [DB_ENDPOINT],
    ],
    [
      "an endpoint that is not a URL",
      { SUPERNODE_LEDGER: "dynamodb://ledger?region=a&endpoint=db:8000" },
      [DB_ENDPOINT],
    ],
    [
      "credentials in the ledger's URL",
      { SUPERNODE_LEDGER: "dynamodb://me:hush@ledger?region=a" },
      ["SUPERNODE_LEDGER: must not contain credentials"],
    ],
    [
      "SQLite in live mode on Lambda",
      { ...LIVE, ...LAMBDA, SUPERNODE_LEDGER: "sqlite:/tmp/ledger.db" },
      [outlive("sqlite")],
    ],
    ["the default ledger in live mode on Lambda", { ...LIVE, ...LAMBDA }, [outlive("sqlite")]],
    [
      "a ledger in memory in live mode on FunctionGraph",
      { ...LIVE, ...FUNCTIONGRAPH, SUPERNODE_LEDGER: "memory:" },
      [outlive("memory")],
    ],
  ])("a wrong setting is reported with what is allowed, without secrets: %s", (_, env, problems) => {
    expect(problemsOf(env)).toEqual(problems)
    expect(problemsOf(env).join("\n")).not.toContain("hush")
  })

  it("all problems of the settings are reported together", () => {
    const env = {
      SUPERNODE_MOD: "live",
      SUPERNODE_MODE: "yes",
      SUPERNODE_LEDGER: "x",
      HUAWEICLOUD_SDK_AK: "A",
      SUPERNODE_BUY_TIMEOUT: "x",
    }
    expect(problemsOf(env).map((problem) => problem.split(":")[0])).toEqual([
      "SUPERNODE_MOD",
      "SUPERNODE_MODE",
      "SUPERNODE_LEDGER",
      "SUPERNODE_BUY_TIMEOUT",
      "HUAWEICLOUD_SDK_SK",
    ])
  })

  it("the error about the settings has one line per problem", () => {
    expect(() => settingsOf({ SUPERNODE_MODE: "x", SUPERNODE_LEDGER: "y" })).toThrow(
      /^SUPERNODE_MODE: .*\nSUPERNODE_LEDGER: .*$/,
    )
  })
})

describe("SUPERNODE_PROMETHEUS_AUTH", () => {
  it("SUPERNODE_PROMETHEUS_AUTH is read into logins, and its problems are reported without its secrets", () => {
    const good = JSON.stringify({ "https://p.example.com": { bearer: "hush" } })
    expect(settingsOf({ SUPERNODE_PROMETHEUS_AUTH: good }).prometheusAuth).toMatchObject([
      { prefix: "https://p.example.com" },
    ])
    const bad = JSON.stringify({ "http://p.example.com": { bearer: "hush", token: "hush" } })
    expect(problemsOf({ SUPERNODE_PROMETHEUS_AUTH: bad, SUPERNODE_MODE: "loud" })).toEqual([
      expect.stringMatching(/^SUPERNODE_MODE: /),
      "SUPERNODE_PROMETHEUS_AUTH: http://p.example.com: must be https: plain http is allowed only to this machine itself",
      "SUPERNODE_PROMETHEUS_AUTH: http://p.example.com: has an unknown key; the keys are bearer, user, password, ca",
    ])
  })
})
