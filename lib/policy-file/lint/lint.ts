import type { LoadedPolicy } from "../../decision/policy/loaded-policy.ts"
import type { Policy } from "../../decision/policy/policy.ts"
import { isSecureAddress } from "../../decision/policy/secure-address.ts"
import { unknownPoints } from "../alarm-points.ts"
import { valueAt } from "../issue-text.ts"
import { originOf, problemAt, type SourceNode } from "../position.ts"
import { type PolicyWarning, type SilencedWarning, sortedProblems } from "../problem.ts"
import type { Source } from "../source.ts"
import type { SupernodeEntry } from "../supernode-entry.ts"
import { reversedSign } from "../time-zones.ts"
import { records } from "../unplaced-problem.ts"
import type { LintFinding } from "./finding.ts"
import { lintFleet, lintMoney } from "./money.ts"
import { lintApprovers, lintPeople } from "./people.ts"
import { lintRules } from "./rules.ts"
import { lintSchedules } from "./schedules.ts"
import { applySilences, silencesOf } from "./silence.ts"

export interface Linted {
  main: Source
  entries: readonly SupernodeEntry[]
  /** Loaded policy of each entry, in the same order. */
  supernodes: readonly LoadedPolicy[]
  /** Epoch milliseconds, to show the next starts of schedules in messages; `null` omits them. */
  now: number | null
}

export interface LintResult {
  warnings: PolicyWarning[]
  silenced: SilencedWarning[]
}

/** Reports settings that are allowed but will probably surprise. Only for a policy without errors. */
export function lint({ main, entries, supernodes, now }: Linted): LintResult {
  const whole: readonly [SourceNode] = [{ source: main, path: [] }]
  const policies = supernodes.map(({ policy }) => policy)
  const ofFile = [...lintFile(main, policies), ...lintFleet(policies), ...lintApprovers(policies)]
  const all = [
    ...ofFile.map((finding) => ({ warning: warningAt(whole, finding), entry: null })),
    ...entries.flatMap((entry, i) => {
      const policy = policies[i]
      if (!policy) return []
      return [...lintSupernode(policy, now), ...lintAlarmPoints(entry)].map((finding) => ({
        warning: warningAt(entry.nodes, finding),
        entry,
      }))
    }),
    ...sameNames(entries, policies).map(({ entry, finding }) => ({
      warning: warningAt(entry.nodes, finding),
      entry,
    })),
  ]
  const { warnings, silenced } = applySilences(all, silencesOf(main, entries))
  return {
    warnings: sortedProblems(warnings, main.file),
    silenced: sortedProblems(silenced, main.file),
  }
}

function lintSupernode(policy: Policy, now: number | null): LintFinding[] {
  return [
    ...lintRules(policy),
    ...noKeyPair(policy),
    ...lintMoney(policy),
    ...lintSchedules(policy, now),
    ...lintPeople(policy),
  ]
}

/** Reads the written keys, since the parsed policy no longer shows where a metric was named. */
function lintAlarmPoints({ merged }: SupernodeEntry): LintFinding[] {
  const found = unknownPoints(merged, records(valueAt(merged, ["rules"])))
  return found.map((one) => ({ id: "unknown-alarm-points", ...one }))
}

function noKeyPair({ order }: Policy): LintFinding[] {
  if (order.key_pair_name !== undefined) return []
  const message = "has no key_pair_name: supernodes can be created only with key pairs"
  return [{ id: "no-key-pair", path: ["order", "key_pair_name"], message }]
}

function lintFile({ value }: Source, policies: readonly Policy[]): LintFinding[] {
  const reversed = reversedSign(policies[0]?.timezone ?? "")
  const zone: LintFinding[] =
    reversed === null ? [] : [{ id: "reversed-zone-sign", path: ["timezone"], message: reversed }]
  return [...zone, ...insecureWebhook(value)]
}

/** The address is a secret, so the message does not name it. */
function insecureWebhook(value: unknown): LintFinding[] {
  const notify = valueAt(value, ["notify"])
  const paths = Array.isArray(notify)
    ? notify.map((_, i) => ["notify", i, "webhook"])
    : [["notify", "webhook"]]
  return paths.flatMap((path): LintFinding[] => {
    const webhook = valueAt(value, path)
    if (typeof webhook !== "string" || isSecureAddress(webhook)) return []
    const message = "is not https: nothing is sent over plain http to another machine"
    return [{ id: "insecure-webhook", path, message }]
  })
}

/** Commands select a supernode by name: with a letter in the wrong case they would select the other one. */
function sameNames(
  entries: readonly SupernodeEntry[],
  policies: readonly Policy[],
): { entry: SupernodeEntry; finding: LintFinding }[] {
  const first = new Map<string, string>()
  return entries.flatMap((entry, i) => {
    const name = policies[i]?.name ?? ""
    const before = first.get(name.toLowerCase())
    if (before === undefined) {
      first.set(name.toLowerCase(), name)
      return []
    }
    const message = `differs from ${before} only in case`
    return [{ entry, finding: { id: "names-differ-in-case", path: ["name"], message } satisfies LintFinding }]
  })
}

function warningAt(
  nodes: readonly [SourceNode, ...SourceNode[]],
  { id, path, message }: LintFinding,
): PolicyWarning {
  const origin = originOf(nodes, path)
  return { ...problemAt(origin, message), id }
}
