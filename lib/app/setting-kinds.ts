import * as z from "zod"
import { durationMs } from "../decision/policy/amounts.ts"
import { isLoopback } from "../decision/policy/secure-address.ts"
import type { smnTopic, snsTopic } from "../decision/policy/topics.ts"
import { proxyProblem } from "../http/proxy.ts"
import { parseLedgerUrl } from "../ledger/ledger-url.ts"
import { isPem, type PrometheusAuth, parsePrometheusAuth } from "../metrics/prometheus/auth.ts"
import { onFirstUse } from "../on-first-use.ts"

// Kinds of settings with their schemas. A message repeats a value only if the setting cannot hold a secret.

/** One setting. `kind` creates its schema; it is called only if the setting is set, so starts stay fast. */
export interface Setting<T> {
  kind(): z.ZodType<T>
  /** Returns the value of a setting that is not set. */
  unset(): T
}

/** An optional setting; `null` if it is not set. */
export const optional = <T>(kind: () => z.ZodType<T>): Setting<T | null> => ({ kind, unset: () => null })

export const withDefault = <T>(kind: () => z.ZodType<T>, unset: NoInfer<T>): Setting<T> => ({
  kind,
  unset: () => unset,
})

export const anyText = onFirstUse(() => z.string())

export const oneOf = <const T extends readonly string[]>(allowed: T) =>
  z.enum(allowed, {
    error: ({ input }) => `must be ${allowed.join(" or ")}, not ${JSON.stringify(input)}`,
  })

const MAX_WAIT_MS = 15 * 60_000

/** A duration in milliseconds, at most 15 minutes, since no function runs longer. Defaults to `example`. */
export const wait = (example: string): Setting<number> =>
  withDefault(
    () =>
      z
        .string()
        .refine((text) => durationMs(text) !== 0 && (durationMs(text) ?? Infinity) <= MAX_WAIT_MS, {
          error: ({ input }) =>
            `must be a duration above 0 and at most 15m, such as "${example}", not ${JSON.stringify(input)}`,
        })
        .transform((text) => durationMs(text) ?? MAX_WAIT_MS),
    durationMs(example) ?? MAX_WAIT_MS,
  )

/**
 * An origin without a trailing slash. Plain http is allowed only to this machine, because paid orders and
 * credentials are sent there.
 */
export const endpoint = onFirstUse(() =>
  z.string().transform((text, ctx) => {
    const url = URL.canParse(text) ? new URL(text) : null
    if (!url || !/^https?:$/.test(url.protocol) || `${url.origin}/` !== url.href)
      ctx.addIssue(
        "must be an origin such as https://modelarts.cn-southwest-2.myhuaweicloud.com: no user, path or query",
      )
    else if (url.protocol === "http:" && !isLoopback(url.hostname))
      ctx.addIssue(
        `must be https: plain http is allowed only to this machine itself, and ${url.hostname} is not this machine`,
      )
    return url?.origin ?? ""
  }),
)

const MIN_TOKEN_CHARS = 16
const MAX_TOKEN_CHARS = 1_024

/** `${TOKEN}`, `$TOKEN`, `{{.Values.token}}`, `<token>`. A placeholder that was not filled in: it is not secret, since the template shows it. */
const PLACEHOLDER = /^(?:\$\{.*\}|\$\w+|\{\{.*\}\}|<.*>)$/

/** Bearer tokens. Short tokens could be guessed. Tokens that HTTP headers cannot carry would never match. */
export const tokens = onFirstUse(() =>
  z.string().transform((text, ctx) => {
    const found = text.split(",").map((token) => token.trim())
    const isSound = (token: string): boolean =>
      token.length >= MIN_TOKEN_CHARS && token.length <= MAX_TOKEN_CHARS && /^[\x21-\x7e]*$/.test(token)
    if (found.some((token) => PLACEHOLDER.test(token)))
      ctx.addIssue("is a placeholder that was not replaced, such as $TOKEN: write the token itself")
    else if (found.length > 2 || !found.every(isSound))
      ctx.addIssue(
        `must be one token, or two separated by a comma during a rotation, each of ${MIN_TOKEN_CHARS} to ${MAX_TOKEN_CHARS} printable ASCII characters without spaces and commas; \`openssl rand -hex 24\` makes one`,
      )
    return found
  }),
)

export const secretArn = onFirstUse(() =>
  z.string().regex(/^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]{1,512}$/, {
    error:
      "must be a Secrets Manager ARN such as arn:aws:secretsmanager:eu-central-1:123456789012:secret:huawei-AbCdEf",
  }),
)

/** Topics separated by commas. */
export const topics = (topic: typeof smnTopic | typeof snsTopic) =>
  z.string().transform((text, ctx) => {
    const written = text.split(",").flatMap((item) => item.trim() || [])
    for (const item of written) {
      const message = topic().safeParse(item).error?.issues[0]?.message
      if (message !== undefined)
        ctx.addIssue(`${message}, not ${JSON.stringify(item)}; separate several with commas`)
    }
    return written
  })

export const prometheusAuth = onFirstUse(() =>
  z.string().transform((text, ctx): PrometheusAuth => {
    const { logins, problems } = parsePrometheusAuth(text)
    for (const problem of problems) ctx.addIssue(problem)
    return logins
  }),
)

export const ledgerUrl = onFirstUse(() =>
  z.string().superRefine((url, ctx) => {
    const parsed = parseLedgerUrl(url)
    if (parsed.kind === "invalid") for (const problem of parsed.problems) ctx.addIssue(problem)
  }),
)

export const proxyAddress = onFirstUse(() =>
  z.string().superRefine((address, ctx) => {
    const problem = proxyProblem(address)
    if (problem !== null) ctx.addIssue(problem)
  }),
)

/** Resolves the path of each login's certificate file with `beside`. PEM text stays as it is. */
export function withCaAt(logins: PrometheusAuth, beside: (path: string) => string): PrometheusAuth {
  return logins.map((login) => ({
    ...login,
    ca: login.ca === null || isPem(login.ca) ? login.ca : beside(login.ca),
  }))
}
