import { isAbsolute, join } from "node:path"
import * as z from "zod"
import { didYouMean } from "../decision/policy/did-you-mean.ts"
import { smnTopic, snsTopic } from "../decision/policy/topics.ts"
import type { ProxySettings } from "../http/proxy.ts"
import { POSTGRES_FORM, parseLedgerUrl, withCertificatesAt } from "../ledger/ledger-url.ts"
import {
  anyText,
  endpoint,
  ledgerUrl,
  oneOf,
  optional,
  prometheusAuth,
  proxyAddress,
  type Setting,
  secretArn,
  tokens,
  topics,
  wait,
  withCaAt,
  withDefault,
} from "./setting-kinds.ts"

/** The settings are not usable, so nothing runs. `problems` lists all problems together. */
export class SettingsError extends Error {
  override readonly name = "SettingsError"
  readonly problems: string[]

  constructor(problems: string[]) {
    super(problems.join("\n"))
    this.problems = problems
  }
}

const SETTINGS = {
  SUPERNODE_MODE: withDefault(() => oneOf(["observe", "live"]), "observe"),
  SUPERNODE_POLICY: optional(anyText),
  SUPERNODE_LEDGER: withDefault(ledgerUrl, "sqlite:./ledger.db"),
  SUPERNODE_MODELARTS_ENDPOINT: optional(endpoint),
  SUPERNODE_CES_ENDPOINT: optional(endpoint),
  SUPERNODE_BSS_ENDPOINT: optional(endpoint),
  SUPERNODE_CTS_ENDPOINT: optional(endpoint),
  SUPERNODE_SMN_ENDPOINT: optional(endpoint),
  SUPERNODE_WEBHOOK_TOKEN: withDefault(tokens, []),
  SUPERNODE_METRICS_TOKEN: withDefault(tokens, []),
  SUPERNODE_LOG_LEVEL: withDefault(
    () =>
      z
        .string()
        .toUpperCase()
        .pipe(oneOf(["DEBUG", "INFO", "WARN", "ERROR"])),
    "INFO",
  ),
  SUPERNODE_BUY_TIMEOUT: wait("60s"),
  SUPERNODE_SEND_WITHIN: wait("30s"),
  SUPERNODE_SECRET_ARN: optional(secretArn),
  SUPERNODE_PROMETHEUS_AUTH: optional(prometheusAuth),
  SUPERNODE_SMN_TOPICS: withDefault(() => topics(smnTopic), []),
  SUPERNODE_SNS_TOPICS: withDefault(() => topics(snsTopic), []),
  SUPERNODE_DYNAMODB_AK: optional(anyText),
  SUPERNODE_DYNAMODB_SK: optional(anyText),
  PGPASSWORD: optional(anyText),
  HUAWEICLOUD_SDK_AK: optional(anyText),
  HUAWEICLOUD_SDK_SK: optional(anyText),
  HUAWEICLOUD_SDK_SECURITY_TOKEN: optional(anyText),
  HTTPS_PROXY: optional(proxyAddress),
  NO_PROXY: withDefault(anyText, ""),
}

type SettingName = keyof typeof SETTINGS

const PLATFORM = {
  /** Set by AWS Lambda. */
  AWS_LAMBDA_FUNCTION_NAME: optional(anyText),
  AWS_REGION: optional(anyText),
  /** Set by FunctionGraph. */
  RUNTIME_FUNC_NAME: optional(anyText),
}

/** Names of all settings, for platforms that read a setting by name but cannot list those that are set. */
export function settingNames(): SettingName[] {
  return Object.keys(SETTINGS) as SettingName[]
}

const ALL = { ...SETTINGS, ...PLATFORM }

type Values = { [Name in keyof typeof ALL]: ReturnType<(typeof ALL)[Name]["unset"]> }

const isFunction = (values: Partial<Values>): boolean =>
  Boolean(values.AWS_LAMBDA_FUNCTION_NAME || values.RUNTIME_FUNC_NAME)

/** Parses each setting with its own schema. A setting with a problem has no value. */
function valuesOf(text: (name: string) => string | undefined): {
  values: Partial<Values>
  problems: string[]
} {
  const values: Record<string, unknown> = {}
  const problems: string[] = []
  for (const [name, { kind, unset }] of Object.entries<Setting<unknown>>(ALL)) {
    const written = text(name)
    if (written === undefined) {
      values[name] = unset()
      continue
    }
    const { success, data, error } = kind().safeParse(written)
    if (success) values[name] = data
    else problems.push(...error.issues.map(({ message }) => `${name}: ${message}`))
  }
  return { values, problems }
}

/** Settings under the names that the program uses, with related ones grouped. */
function groupsOf(values: Values) {
  return {
    ledgerUrl: values.SUPERNODE_LEDGER,
    /** The default is observe, and an event cannot override it. */
    mode: values.SUPERNODE_MODE,
    /** Origins without a trailing slash; `null` uses the region's own endpoint. */
    modelartsEndpoint: values.SUPERNODE_MODELARTS_ENDPOINT,
    cesEndpoint: values.SUPERNODE_CES_ENDPOINT,
    /**
     * Billing endpoint for reading accepted orders. If `null`, regions in China use the one of China, and
     * other regions use none. If `modelartsEndpoint` is set, `null` always means none.
     */
    bssEndpoint: values.SUPERNODE_BSS_ENDPOINT,
    /**
     * CTS endpoint for reading traces while an outcome is unknown. If `null`, uses the region's own, but none
     * if `modelartsEndpoint` is set.
     */
    ctsEndpoint: values.SUPERNODE_CTS_ENDPOINT,
    /** SMN endpoint for notifications; `null` uses the one of the topic's region. */
    smnEndpoint: values.SUPERNODE_SMN_ENDPOINT,
    /**
     * Bearer tokens of the Alertmanager and Grafana webhooks: one, or two while one replaces the other. If
     * empty, both webhooks are closed.
     */
    webhookTokens: values.SUPERNODE_WEBHOOK_TOKEN,
    /**
     * Tokens of /metrics and of the live page: one, or two while one replaces the other. If empty, only this
     * machine may read them.
     */
    metricsTokens: values.SUPERNODE_METRICS_TOKEN,
    logLevel: values.SUPERNODE_LOG_LEVEL,
    /** Time limit from the first byte of a purchase request to the last byte of its response. */
    buyTimeoutMs: values.SUPERNODE_BUY_TIMEOUT,
    /** Time limit from the opening of an attempt to the last moment at which a byte of its request may be sent, milliseconds. */
    sendWithinMs: values.SUPERNODE_SEND_WITHIN,
    credentials: huaweiKeys(values),
    dynamodbCredentials: dynamodbKeys(values),
    /** Password of a PostgreSQL ledger whose URL has none; `null` uses the secret. */
    postgresPassword: values.PGPASSWORD,
    secretArn: values.SUPERNODE_SECRET_ARN,
    /** Login for each Prometheus; `null` uses the secret. If that has none, requests carry no login. */
    prometheusAuth: values.SUPERNODE_PROMETHEUS_AUTH,
    /** CloudWatch region for rules that name none. */
    awsRegion: values.AWS_REGION,
    /** Topics that the webhooks accept in addition to those of the policy file. */
    smnTopics: values.SUPERNODE_SMN_TOPICS,
    snsTopics: values.SUPERNODE_SNS_TOPICS,
    /** Proxy for outgoing requests (HTTPS_PROXY and NO_PROXY); `null` connects directly. */
    proxy: proxyOf(values),
    isServerless: isFunction(values),
  }
}

/** Settings after validation. Messages never repeat their secrets. */
export interface Settings extends ReturnType<typeof groupsOf> {
  /** Absolute on a function platform: the working directory there is not the folder of code and policy. */
  policyPath: string
}

/**
 * Reads and validates all settings; an empty text counts as not set. `names` lists all variables that are
 * set: an unknown SUPERNODE_ name in it is a problem, since it may be misspelt. Throws SettingsError.
 */
export function readSettings(read: (name: string) => string | undefined, names: readonly string[]): Settings {
  const text = (name: string): string | undefined => read(name)?.trim() || undefined
  const texts: Record<string, string | undefined> = {
    // Not trimmed: a space may be part of the password.
    PGPASSWORD: read("PGPASSWORD") || undefined,
    // The lower-case name takes precedence, as in curl.
    HTTPS_PROXY: text("https_proxy") ?? text("HTTPS_PROXY"),
    NO_PROXY: text("no_proxy") ?? text("NO_PROXY"),
  }
  const { values, problems: wrong } = valuesOf((name) => (name in texts ? texts[name] : text(name)))
  const problems = [...unknownNames(names), ...wrong, ...problemsTogether(values)]
  if (problems.length > 0) throw new SettingsError(problems)
  const settings = groupsOf(values as Values)
  const beside = (path: string): string => besideCode(path, read)
  const { ledgerUrl, prometheusAuth: logins } = settings
  return {
    ...settings,
    policyPath: policyPath(text("SUPERNODE_POLICY") ?? null, read),
    ledgerUrl:
      parseLedgerUrl(ledgerUrl).kind === "postgres" ? withCertificatesAt(ledgerUrl, beside) : ledgerUrl,
    prometheusAuth: logins && withCaAt(logins, beside),
  }
}

/**
 * Path of the policy file. In a function (FunctionGraph, AWS Lambda), a relative path is resolved in the
 * folder of the code, otherwise in the working directory.
 */
export function policyPath(written: string | null, read: (name: string) => string | undefined): string {
  return besideCode(written ?? "./policy.yaml", read)
}

/**
 * Resolves a relative path in the folder of a function's code, since its working directory may be another
 * folder. Outside a function, returns the path unchanged.
 */
function besideCode(path: string, read: (name: string) => string | undefined): string {
  const folder = read("RUNTIME_CODE_ROOT")?.trim() || read("LAMBDA_TASK_ROOT")?.trim()
  return folder && !isAbsolute(path) ? join(folder, path) : path
}

function unknownNames(names: readonly string[]): string[] {
  const known: readonly string[] = settingNames()
  return [...new Set(names)]
    .filter((name) => name.startsWith("SUPERNODE_") && !known.includes(name))
    .map((name) => {
      const near = didYouMean(name, known)
      const hint = near ? `did you mean ${near}?` : `known settings: ${known.join(", ")}`
      return `${name}: is not a known setting; ${hint}`
    })
}

/** Problems that involve several settings. `values` lacks each setting that has a problem of its own. */
function problemsTogether(values: Partial<Values>): string[] {
  const problems: string[] = []
  const report = (name: SettingName, message: string): void => {
    problems.push(`${name}: ${message}`)
  }
  for (const [one, other] of PAIRS) {
    if (values[one] && !values[other]) report(other, `must be set if ${one} is set`)
    if (values[other] && !values[one]) report(one, `must be set if ${other} is set`)
  }
  if (values.HUAWEICLOUD_SDK_SECURITY_TOKEN && !values.HUAWEICLOUD_SDK_AK && !values.HUAWEICLOUD_SDK_SK)
    report(
      "HUAWEICLOUD_SDK_SECURITY_TOKEN",
      "must be set together with HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK",
    )

  const { kind } = parseLedgerUrl(values.SUPERNODE_LEDGER ?? "")
  const isLost = kind === "sqlite" || kind === "memory"
  // A function's container may end after any event, and many containers run at the same time.
  if (isLost && values.SUPERNODE_MODE === "live" && isFunction(values))
    report(
      "SUPERNODE_LEDGER",
      `must be dynamodb://TABLE?region=REGION or ${POSTGRES_FORM} in live mode on a function. With ${kind}:, each container would have its own ledger and could buy again`,
    )
  return problems
}

const PAIRS = [
  ["HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"],
  ["SUPERNODE_DYNAMODB_AK", "SUPERNODE_DYNAMODB_SK"],
] as const satisfies [SettingName, SettingName][]

function huaweiKeys(values: Values): { ak: string; sk: string; securityToken: string | null } | null {
  const {
    HUAWEICLOUD_SDK_AK: ak,
    HUAWEICLOUD_SDK_SK: sk,
    HUAWEICLOUD_SDK_SECURITY_TOKEN: securityToken,
  } = values
  return ak !== null && sk !== null ? { ak, sk, securityToken } : null
}

function dynamodbKeys(values: Values): { accessKeyId: string; secretAccessKey: string } | null {
  const { SUPERNODE_DYNAMODB_AK: accessKeyId, SUPERNODE_DYNAMODB_SK: secretAccessKey } = values
  return accessKeyId !== null && secretAccessKey !== null ? { accessKeyId, secretAccessKey } : null
}

function proxyOf({ HTTPS_PROXY: address, NO_PROXY: noProxy }: Values): ProxySettings | null {
  return address === null ? null : { address, noProxy }
}
