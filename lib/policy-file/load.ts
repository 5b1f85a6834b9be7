import { dirname, resolve } from "node:path"
import type * as z from "zod"
import { isRecord } from "../decision/policy/amounts.ts"
import type { LoadedPolicy } from "../decision/policy/loaded-policy.ts"
import type { NotifyRecipient } from "../decision/policy/notify.ts"
import { type FileWide, type Policy, supernodeSchema } from "../decision/policy/policy.ts"
import { digest } from "../digest.ts"
import { approverProblems } from "./approvers.ts"
import { checking, isJitless } from "./checking.ts"
import { fileSchemaFor, includedFileSchema } from "./file-schema.ts"
import { filesMatching } from "./include.ts"
import { valueAt, wordingsOf } from "./issue-text.ts"
import { lint } from "./lint/lint.ts"
import { originOf, problemAt } from "./position.ts"
import {
  PolicyError,
  type PolicyProblem,
  type PolicyWarning,
  type SilencedWarning,
  sortedProblems,
} from "./problem.ts"
import { cronProblems, cronReader, type ReadCron, withCronFields } from "./schedules.ts"
import { readSource, type Source } from "./source.ts"
import {
  defaultsProblems,
  entriesOf,
  entryProblems,
  mixedCurrencies,
  problemsIn,
  repeatedIdentities,
  type SupernodeEntry,
} from "./supernode-entry.ts"
import { readUserdata, type Userdata } from "./userdata.ts"

export {
  PolicyError,
  type PolicyProblem,
  type PolicyWarning,
  problemLine,
  type SilencedWarning,
  warningLine,
} from "./problem.ts"

export interface PolicyFile {
  path: string
  /** This file, the files that it includes, and userdata files: everything that a deployment needs. */
  files: string[]
  read: PolicyRead
  supernodes: LoadedPolicy[]
  /** Topics whose messages an HTTP endpoint accepts. */
  smnTopics: string[]
  snsTopics: string[]
  /** Id of the only ledger that this file may be used with (`ledger_id`); `null` allows any ledger. */
  ledgerId: string | null
  /** Recipients of notifications. Their addresses are secrets: no policy, hash or message contains them. */
  notify: NotifyRecipient[]
  warnings: PolicyWarning[]
  /** Warnings that a `silence` list accepts. */
  silenced: SilencedWarning[]
}

/** Everything on disk that the policy was read from. */
export interface PolicyRead {
  /** Each file with the digest of its bytes as read; the policy file is first. */
  files: { path: string; bytes: number; sha256: string }[]
  /** Patterns under `include`, and the files that each matched. */
  includes: { pattern: string; paths: string[] }[]
}

/**
 * Reads a policy file, its includes and its userdata files. `now` (epoch milliseconds) lets warnings show the
 * next starts of schedules. `given` is the file's content if it was already read (standard input). Throws
 * PolicyError with all problems of all files.
 */
export async function loadPolicyFile(
  path: string,
  now: number | null = null,
  given?: Uint8Array,
): Promise<PolicyFile> {
  const main = await readSource(path, given)
  const { data: file, problems: ofFile } = check(fileSchemaFor(main.value), main)
  const included = await readIncluded(main)
  const entries = [main, ...included.sources].flatMap((source) => entriesOf(source, main))
  const defaults = valueAt(main.value, ["defaults"])
  const readCron = await cronReader([defaults, ...entries.map(({ merged }) => merged)])
  const read = await Promise.all(entries.map(({ nodes, merged }) => readUserdata(nodes, merged)))
  const problems = [
    ...ofFile,
    ...included.problems,
    ...defaultsProblems(main),
    ...entries.flatMap((entry) => entryProblems(entry, entries.length)),
    ...cronProblems(readCron, [{ source: main, path: ["defaults"] }], defaults),
    ...entries.flatMap(({ nodes, merged }) => cronProblems(readCron, nodes, merged)),
    ...repeatedIdentities(entries),
    ...mixedCurrencies(main, entries),
    ...approverProblems(main, entries),
    ...read.filter((userdata) => userdata !== null && "message" in userdata),
  ]
  if (file === undefined || problems.length > 0) throw new PolicyError(sortedProblems(problems, main.file))

  const wide: FileWide = {
    timezone: file.timezone,
    fleet: file.fleet ?? null,
    approvers: file.approvers,
  }
  const userdata = read.map((found) => (found !== null && "base64" in found ? found : null))
  const ledgerId = file.ledger_id ?? null
  const pinned = ledgerId === null ? {} : { ledgerId }
  const supernodes = entries.map((entry, i) => {
    const how = { userdata: userdata[i] ?? null, wide, readCron, times: entries.length }
    return { ...loaded(entry, how), ...pinned }
  })
  const files = [
    ...[main, ...included.sources].map(({ file: name, bytes, sha256 }) => ({ path: name, bytes, sha256 })),
    ...userdata.flatMap((found) => (found?.file ? [{ path: found.file, ...found.digest }] : [])),
  ]
  const once = [...new Map(files.map((one) => [one.path, one])).values()]
  return {
    path,
    files: once.map((one) => one.path),
    read: { files: once, includes: included.includes },
    supernodes,
    ledgerId,
    smnTopics: file.smn_topics,
    snsTopics: file.sns_topics,
    notify: file.notify ?? [],
    ...lint({ main, entries, supernodes, now }),
  }
}

/** Checks the file's own keys with a schema. The result includes the problems of the YAML itself. */
function check<S extends z.ZodType>(
  schema: S,
  source: Source,
): { data: z.output<S> | undefined; problems: PolicyProblem[] } {
  const { data, error } = schema.safeParse(source.value, checking(1))
  const wordings = wordingsOf(error?.issues ?? [], source.value)
  return { data, problems: [...source.problems, ...problemsIn([{ source, path: [] }], wordings)] }
}

interface Included {
  sources: Source[]
  includes: PolicyRead["includes"]
  problems: PolicyProblem[]
}

async function readIncluded(main: Source): Promise<Included> {
  const patterns = valueAt(main.value, ["include"])
  const problems: PolicyProblem[] = []
  const files = new Set<string>()
  const includes: PolicyRead["includes"] = []
  for (const [i, pattern] of (Array.isArray(patterns) ? patterns : []).entries()) {
    if (typeof pattern !== "string" || pattern === "") continue
    const found = await filesMatching(dirname(main.file), pattern)
    includes.push({ pattern, paths: found })
    const others = found.filter((file) => resolve(file) !== resolve(main.file))
    for (const file of others) files.add(file)
    if (others.length > 0) continue
    const message = `must name at least one other file, relative to the policy file: ${JSON.stringify(pattern)} matches none`
    problems.push(problemAt(originOf([{ source: main, path: [] }], ["include", i]), message))
  }
  const sources: Source[] = []
  for (const file of files) {
    try {
      const source = await readSource(file)
      problems.push(...check(includedFileSchema(), source).problems)
      sources.push(source)
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error
      problems.push(...error.problems)
    }
  }
  return { sources, includes, problems }
}

interface Loading {
  userdata: Userdata | null
  wide: FileWide
  readCron: ReadCron
  times: number
}

/**
 * Effective policy of one supernode. The userdata text is replaced by its digest, so that the policy contains
 * no secret. Cron expressions become sets of numbers.
 */
function loaded({ merged }: SupernodeEntry, { userdata, wide, readCron, times }: Loading): LoadedPolicy {
  const supernode = isRecord(merged) ? merged : {}
  const written = isRecord(supernode["order"]) ? supernode["order"] : {}
  const { userdata: _text, userdata_file: _file, ...order } = written
  const effective = {
    ...supernode,
    order: userdata ? { ...order, userdata: userdata.digest } : order,
    schedules: withCronFields(readCron, supernode),
  }
  const policy: Policy = {
    ...supernodeSchema.parse(effective, { jitless: isJitless(times) }),
    ...wide,
  }
  return { policy, hash: digest(policy), userdata: userdata?.base64 ?? null }
}
