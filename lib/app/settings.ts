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

/** The environment is not usable and nothing runs; it has all problems together. */
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

/** All settings. A platform that cannot list what is set is asked for each of them. */
export function settingNames(): SettingName[] {
  return Object.keys(SETTINGS) as SettingName[]
}

const ALL = { ...SETTINGS, ...PLATFORM }

type Values = { [Name in keyof typeof ALL]: ReturnType<(typeof ALL)[Name]["unset"]> }

const isFunction = (values: Partial<Values>): boolean =>
  Boolean(values.AWS_LAMBDA_FUNCTION_NAME || values.RUNTIME_FUNC_NAME)

/** Each setting by its own schema. One with a problem has no value. */
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

/** The settings in groups as the program uses them. */
function groupsOf(values: Values) {
  return {
    ledgerUrl: values.SUPERNODE_LEDGER,
    /** The default is observe, and an event cannot override it. */
    mode: values.SUPERNODE_MODE,
    /** Origins without a slash at the end; null: the region's own. */
    modelartsEndpoint: values.SUPERNODE_MODELARTS_ENDPOINT,
    cesEndpoint: values.SUPERNODE_CES_ENDPOINT,
    /** Endpoint for reading accepted orders. Null: China's in the regions of China, and none elsewhere. */
    bssEndpoint: values.SUPERNODE_BSS_ENDPOINT,
    /** CTS's endpoint, for traces while an outcome is unknown. Null: the region's own, but none if ModelArts' endpoint is set. */
    ctsEndpoint: values.SUPERNODE_CTS_ENDPOINT,
    /** SMN's endpoint, for notifications. */
    smnEndpoint: values.SUPERNODE_SMN_ENDPOINT,
    /** Bearer tokens of the webhooks: one, or two while one replaces the other; without one they are closed. */
    webhookTokens: values.SUPERNODE_WEBHOOK_TOKEN,
    /** Tokens of /metrics: one, or two while one replaces the other; without one it answers only this machine. */
    metricsTokens: values.SUPERNODE_METRICS_TOKEN,
    logLevel: values.SUPERNODE_LOG_LEVEL,
    /** From the first byte of a purchase to the last of its answer. */
    buyTimeoutMs: values.SUPERNODE_BUY_TIMEOUT,
    /** No byte of a purchase leaves later than this after its attempt was opened. */
    sendWithinMs: values.SUPERNODE_SEND_WITHIN,
    credentials: huaweiKeys(values),
    dynamodbCredentials: dynamodbKeys(values),
    /** For a ledger in PostgreSQL whose URL holds no password; null: as the secret says. */
    postgresPassword: values.PGPASSWORD,
    secretArn: values.SUPERNODE_SECRET_ARN,
    /** The login for each Prometheus; null: as the secret says, otherwise without a login. */
    prometheusAuth: values.SUPERNODE_PROMETHEUS_AUTH,
    /** CloudWatch's region if a rule names none. */
    awsRegion: values.AWS_REGION,
    /** Accepted at an HTTP door, besides the policy's own. */
    smnTopics: values.SUPERNODE_SMN_TOPICS,
    snsTopics: values.SUPERNODE_SNS_TOPICS,
    /** HTTPS_PROXY and NO_PROXY: the way of requests out of this machine; null: directly. */
    proxy: proxyOf(values),
    isServerless: isFunction(values),
  }
}

/** The environment, checked. Its secrets are never repeated in a message. */
export interface Settings extends ReturnType<typeof groupsOf> {
  /** Absolute on a function platform: the working directory there is not the folder of the code and the policy. */
  policyPath: string
}

/**
 * Settings as `read` gives them; an empty text counts as unset. `names` are those that are set: a misspelt one is a
 * problem, too. Throws SettingsError.
 */
export function readSettings(read: (name: string) => string | undefined, names: readonly string[]): Settings {
  const text = (name: string): string | undefined => read(name)?.trim() || undefined
  const texts: Record<string, string | undefined> = {
    // Exactly as it is written: a space may be part of it.
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

/** A relative path is in the folder of the function's code (FunctionGraph, AWS Lambda); elsewhere in the working directory. */
export function policyPath(written: string | null, read: (name: string) => string | undefined): string {
  return besideCode(written ?? "./policy.yaml", read)
}

/** A file that a function brought along with its code: the working directory is another folder on FunctionGraph. */
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
      const hint = near ? `did you mean ${near}?` : `there are ${known.join(", ")}`
      return `${name}: is not a known setting; ${hint}`
    })
}

/** Problems of several settings together. The value of a setting with a problem of its own is missing. */
function problemsTogether(values: Partial<Values>): string[] {
  const problems: string[] = []
  const report = (name: SettingName, message: string): void => {
    problems.push(`${name}: ${message}`)
  }
  for (const [one, other] of PAIRS) {
    if (values[one] && !values[other]) report(other, `must be set where ${one} is`)
    if (values[other] && !values[one]) report(one, `must be set where ${other} is`)
  }
  if (values.HUAWEICLOUD_SDK_SECURITY_TOKEN && !values.HUAWEICLOUD_SDK_AK && !values.HUAWEICLOUD_SDK_SK)
    report("HUAWEICLOUD_SDK_SECURITY_TOKEN", "must come with HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK")

  const { kind } = parseLedgerUrl(values.SUPERNODE_LEDGER ?? "")
  const isLost = kind === "sqlite" || kind === "memory"
  // A function's sandbox may be gone after any event, and many run at once.
  if (isLost && values.SUPERNODE_MODE === "live" && isFunction(values))
    report(
      "SUPERNODE_LEDGER",
      `must be dynamodb://TABLE?region=REGION or ${POSTGRES_FORM} in live mode on a function, not ${kind}: — each sandbox would have a ledger of its own, and so could buy once more`,
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
