import { isAbsolute, join } from "node:path"
import { didYouMean } from "../decision/policy/did-you-mean.ts"
import { smnTopic, snsTopic } from "../decision/policy/topics.ts"
import { durationMs } from "../decision/policy/units.ts"
import { type ProxySettings, proxyProblem } from "../http/proxy.ts"
import { POSTGRES_FORM, parseLedgerUrl, withCertificatesAt } from "../ledger/ledger-url.ts"
import { isPem, type PrometheusAuth, parsePrometheusAuth } from "../metrics/prometheus/auth.ts"

/** What the environment says, checked. The secrets in it are never repeated in a message. */
export interface Settings {
  /** On a function platform absolute: the working directory there is not the folder of the code and the policy. */
  policyPath: string
  ledgerUrl: string
  /** `observe` beats whatever an event asks for, and is what holds where nothing is said. */
  mode: "live" | "observe"
  /** Origins without a slash at the end; null: the region's own. */
  modelartsEndpoint: string | null
  cesEndpoint: string | null
  /** Where orders are read after they were accepted; null: the one of China in its regions, else none. */
  bssEndpoint: string | null
  /** Where notifications are published to SMN topics. */
  smnEndpoint: string | null
  /** Bearer tokens of the webhooks: one, or two while one replaces the other; none: they are closed. */
  webhookTokens: readonly string[]
  /** Tokens of /metrics: one, or two while one replaces the other; none: it answers this machine only. */
  metricsTokens: readonly string[]
  logLevel: "DEBUG" | "INFO" | "WARN" | "ERROR"
  /** From the first byte of a purchase to the last of its answer. */
  buyTimeoutMs: number
  /** No byte of a purchase leaves later than this after its attempt was opened. */
  sendWithinMs: number
  credentials: { ak: string; sk: string; securityToken: string | null } | null
  dynamodbCredentials: { accessKeyId: string; secretAccessKey: string } | null
  /** PGPASSWORD: for a ledger in PostgreSQL whose url holds no password; null: as the secret says. */
  postgresPassword: string | null
  secretArn: string | null
  /** Who we are to which Prometheus; null: as the secret says, or nobody in particular. */
  prometheusAuth: PrometheusAuth | null
  /** AWS_REGION, which Lambda sets: CloudWatch's where a rule names none. */
  awsRegion: string | null
  /** Accepted at an HTTP door, besides the policy's own. */
  smnTopics: string[]
  snsTopics: string[]
  /** HTTPS_PROXY and NO_PROXY: how requests leave this machine; null: directly. */
  proxy: ProxySettings | null
  isServerless: boolean
}

/** The environment cannot be used and nothing runs; holds everything that is wrong with it at once. */
export class SettingsError extends Error {
  override readonly name = "SettingsError"
  readonly problems: string[]

  constructor(problems: string[]) {
    super(problems.join("\n"))
    this.problems = problems
  }
}

/** Every setting there is; a platform that cannot list what is set is asked for each of these. */
export const SETTING_NAMES = [
  "SUPERNODE_POLICY",
  "SUPERNODE_LEDGER",
  "SUPERNODE_MODE",
  "SUPERNODE_MODELARTS_ENDPOINT",
  "SUPERNODE_CES_ENDPOINT",
  "SUPERNODE_BSS_ENDPOINT",
  "SUPERNODE_SMN_ENDPOINT",
  "SUPERNODE_WEBHOOK_TOKEN",
  "SUPERNODE_METRICS_TOKEN",
  "SUPERNODE_LOG_LEVEL",
  "SUPERNODE_BUY_TIMEOUT",
  "SUPERNODE_SEND_WITHIN",
  "SUPERNODE_SECRET_ARN",
  "SUPERNODE_PROMETHEUS_AUTH",
  "SUPERNODE_SMN_TOPICS",
  "SUPERNODE_SNS_TOPICS",
  "SUPERNODE_DYNAMODB_AK",
  "SUPERNODE_DYNAMODB_SK",
  "PGPASSWORD",
  "HUAWEICLOUD_SDK_AK",
  "HUAWEICLOUD_SDK_SK",
  "HUAWEICLOUD_SDK_SECURITY_TOKEN",
  "HTTPS_PROXY",
  "NO_PROXY",
] as const

type SettingName = (typeof SETTING_NAMES)[number]
type ReadSetting = (name: SettingName) => string | null
type Report = (name: string, message: string) => void

/**
 * Settings as `read` gives them; an empty text counts as unset. `names` are those that are set, so that a misspelt one
 * is not silently ignored. Throws SettingsError.
 */
export function readSettings(read: (name: string) => string | undefined, names: readonly string[]): Settings {
  const problems: string[] = []
  const report: Report = (name, message) => problems.push(`${name}: ${message}`)
  const text: ReadSetting = (name) => read(name)?.trim() || null

  reportUnknown(names, report)
  const isServerless = Boolean(read("AWS_LAMBDA_FUNCTION_NAME") || read("RUNTIME_FUNC_NAME"))
  const mode = choice({
    name: "SUPERNODE_MODE",
    allowed: ["observe", "live"],
    fallback: "observe",
    text,
    report,
  })
  const logLevel = choice({
    name: "SUPERNODE_LOG_LEVEL",
    allowed: ["DEBUG", "INFO", "WARN", "ERROR"],
    fallback: "INFO",
    text: (name) => text(name)?.toUpperCase() ?? null,
    report,
  })
  const beside = (path: string): string => besideCode(path, read)
  const settings: Settings = {
    policyPath: policyPath(text("SUPERNODE_POLICY"), read),
    ledgerUrl: ledgerUrl({ text, report, beside, mustOutlive: isServerless && mode === "live" }),
    mode,
    modelartsEndpoint: endpoint("SUPERNODE_MODELARTS_ENDPOINT", text, report),
    cesEndpoint: endpoint("SUPERNODE_CES_ENDPOINT", text, report),
    bssEndpoint: endpoint("SUPERNODE_BSS_ENDPOINT", text, report),
    smnEndpoint: endpoint("SUPERNODE_SMN_ENDPOINT", text, report),
    webhookTokens: tokens("SUPERNODE_WEBHOOK_TOKEN", text, report),
    metricsTokens: tokens("SUPERNODE_METRICS_TOKEN", text, report),
    logLevel,
    buyTimeoutMs: waitMs({ name: "SUPERNODE_BUY_TIMEOUT", fallback: "60s", text, report }),
    sendWithinMs: waitMs({ name: "SUPERNODE_SEND_WITHIN", fallback: "30s", text, report }),
    credentials: credentials(text, report),
    dynamodbCredentials: dynamodbCredentials(text, report),
    // As it is: a space may be part of it.
    postgresPassword: read("PGPASSWORD") || null,
    secretArn: secretArn(text, report),
    prometheusAuth: prometheusAuth({ text, report, beside }),
    awsRegion: read("AWS_REGION")?.trim() || null,
    smnTopics: topics({ name: "SUPERNODE_SMN_TOPICS", topic: smnTopic, text, report }),
    snsTopics: topics({ name: "SUPERNODE_SNS_TOPICS", topic: snsTopic, text, report }),
    proxy: proxySetting((name) => read(name.toLowerCase())?.trim() || text(name), report),
    isServerless,
  }
  if (problems.length > 0) throw new SettingsError(problems)
  return settings
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

function reportUnknown(names: readonly string[], report: Report): void {
  const known: readonly string[] = SETTING_NAMES
  for (const name of new Set(names)) {
    if (!name.startsWith("SUPERNODE_") || known.includes(name)) continue
    const near = didYouMean(name, known)
    report(name, `is no setting${near ? `; did you mean ${near}?` : `; there are ${known.join(", ")}`}`)
  }
}

interface Asked {
  name: SettingName
  text: ReadSetting
  report: Report
}

function choice<const T extends string>({
  name,
  allowed,
  fallback,
  text,
  report,
}: Asked & { allowed: readonly T[]; fallback: T }): T {
  const written = text(name)
  if (written === null) return fallback
  const found = allowed.find((value) => value === written)
  if (found === undefined) report(name, `must be ${allowed.join(" or ")}, not ${JSON.stringify(written)}`)
  return found ?? fallback
}

const MAX_WAIT_MS = 15 * 60_000

/** No function lives longer than 15 minutes, so that no wait may. */
function waitMs({ name, fallback, text, report }: Asked & { fallback: string }): number {
  const written = text(name) ?? fallback
  const ms = durationMs(written)
  if (ms !== null && ms > 0 && ms <= MAX_WAIT_MS) return ms
  report(
    name,
    `must be a duration above 0 and at most 15m, such as "${fallback}", not ${JSON.stringify(written)}`,
  )
  return MAX_WAIT_MS
}

/** A paid order and the keys that sign it must not travel in clear: plain http only within this machine. */
function endpoint(name: SettingName, text: ReadSetting, report: Report): string | null {
  const written = text(name)
  if (written === null) return null
  const url = URL.canParse(written) ? new URL(written) : null
  if (!url || !/^https?:$/.test(url.protocol) || `${url.origin}/` !== url.href) {
    report(
      name,
      "must be an origin such as https://modelarts.cn-southwest-2.myhuaweicloud.com: no user, path or query",
    )
    return null
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    report(
      name,
      `must be https: plain http is allowed only to this machine itself, and ${url.hostname} is another`,
    )
  }
  return url.origin
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

const MIN_TOKEN_CHARS = 16
const MAX_TOKEN_CHARS = 1_024

/** `${TOKEN}`, `$TOKEN`, `{{.Values.token}}`, `<token>`: what a template leaves behind is known to everybody. */
const PLACEHOLDER = /^(?:\$\{.*\}|\$\w+|\{\{.*\}\}|<.*>)$/

/** A token that can be guessed opens the door to everybody; what no HTTP header can carry would never match. */
function tokens(name: SettingName, text: ReadSetting, report: Report): string[] {
  const written = text(name)
  if (written === null) return []
  const found = written.split(",").map((token) => token.trim())
  const isSound = (token: string) =>
    token.length >= MIN_TOKEN_CHARS && token.length <= MAX_TOKEN_CHARS && /^[\x21-\x7e]*$/.test(token)
  if (found.some((token) => PLACEHOLDER.test(token))) {
    report(name, "is a placeholder that nothing replaced, such as $TOKEN: put the token itself there")
    return []
  }
  if (found.length <= 2 && found.every(isSound)) return found
  report(
    name,
    `must be one token, or two separated by a comma while one replaces the other, each of ${MIN_TOKEN_CHARS} to ${MAX_TOKEN_CHARS} printable ASCII characters without spaces and commas; \`openssl rand -hex 24\` makes one`,
  )
  return []
}

function credentials(text: ReadSetting, report: Report): Settings["credentials"] {
  const [ak, sk] = pair(["HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"], text, report)
  const securityToken = text("HUAWEICLOUD_SDK_SECURITY_TOKEN")
  if (securityToken !== null && ak === null && sk === null) {
    report("HUAWEICLOUD_SDK_SECURITY_TOKEN", "must come with HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK")
  }
  return ak !== null && sk !== null ? { ak, sk, securityToken } : null
}

function dynamodbCredentials(text: ReadSetting, report: Report): Settings["dynamodbCredentials"] {
  const [ak, sk] = pair(["SUPERNODE_DYNAMODB_AK", "SUPERNODE_DYNAMODB_SK"], text, report)
  return ak !== null && sk !== null ? { accessKeyId: ak, secretAccessKey: sk } : null
}

function pair(
  names: readonly [SettingName, SettingName],
  text: ReadSetting,
  report: Report,
): [string | null, string | null] {
  const [key, secret] = [text(names[0]), text(names[1])]
  if (key !== null && secret === null) report(names[1], `must be set where ${names[0]} is`)
  if (key === null && secret !== null) report(names[0], `must be set where ${names[1]} is`)
  return [key, secret]
}

/** The lower-case name wins, as curl has it. */
function proxySetting(text: ReadSetting, report: Report): ProxySettings | null {
  const address = text("HTTPS_PROXY")
  if (address === null) return null
  const problem = proxyProblem(address)
  if (problem === null) return { address, noProxy: text("NO_PROXY") ?? "" }
  report("HTTPS_PROXY", problem)
  return null
}

function secretArn(text: ReadSetting, report: Report): string | null {
  const written = text("SUPERNODE_SECRET_ARN")
  if (
    written !== null &&
    !/^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]{1,512}$/.test(written)
  ) {
    report(
      "SUPERNODE_SECRET_ARN",
      "must be a Secrets Manager ARN such as arn:aws:secretsmanager:eu-central-1:123456789012:secret:huawei-AbCdEf",
    )
  }
  return written
}

interface WithFiles extends Omit<Asked, "name"> {
  /** The path of a file that a setting names. */
  beside(path: string): string
}

function prometheusAuth({ text, report, beside }: WithFiles): PrometheusAuth | null {
  const name = "SUPERNODE_PROMETHEUS_AUTH"
  const written = text(name)
  if (written === null) return null
  const { logins, problems } = parsePrometheusAuth(written)
  for (const problem of problems) report(name, problem)
  return logins.map((login) => ({
    ...login,
    ca: login.ca === null || isPem(login.ca) ? login.ca : beside(login.ca),
  }))
}

type Topic = typeof smnTopic | typeof snsTopic

function topics({ name, topic, text, report }: Asked & { topic: Topic }): string[] {
  const written = (text(name) ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "")
  for (const item of written) {
    const message = topic.safeParse(item).error?.issues[0]?.message
    if (message !== undefined)
      report(name, `${message}, not ${JSON.stringify(item)}; several are separated by commas`)
  }
  return written
}

interface LedgerRequest extends WithFiles {
  /** The sandbox of a function may be gone after any event, and many run at once. */
  mustOutlive: boolean
}

function ledgerUrl({ text, report, beside, mustOutlive }: LedgerRequest): string {
  const url = text("SUPERNODE_LEDGER") ?? "sqlite:./ledger.db"
  const parsed = parseLedgerUrl(url)
  if (parsed.kind === "invalid") for (const problem of parsed.problems) report("SUPERNODE_LEDGER", problem)
  if (mustOutlive && (parsed.kind === "sqlite" || parsed.kind === "memory")) {
    const why = "each sandbox would have a ledger of its own, and so could buy once more"
    report(
      "SUPERNODE_LEDGER",
      `must be dynamodb://TABLE?region=REGION or ${POSTGRES_FORM} in live mode on a function, not ${parsed.kind}: — ${why}`,
    )
  }
  return parsed.kind === "postgres" ? withCertificatesAt(url, beside) : url
}
