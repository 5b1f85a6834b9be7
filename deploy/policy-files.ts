import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path"
import { loadPolicyFile, PolicyError, problemLine } from "../lib/policy-file/load.ts"
import { packagedPath, packagedText } from "../lib/policy-file/packaged.ts"
import { programId } from "./program-id.mjs"

/** Thrown if nothing can be packaged. Each problem is one line for the person who packages. */
export class DeployError extends Error {
  override readonly name = "DeployError"

  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"))
  }
}

/** The policy's name in a function. */
const POLICY = "policy.yaml"

export interface DeployedFile {
  /** Path on this machine. */
  path: string
  /** Path in the function, relative to the policy, with slashes. The policy itself is `policy.yaml`. */
  name: string
}

export interface DeployedPolicy {
  /** The policy and every file that it needs, the policy first. */
  files: DeployedFile[]
  /** The packaged policy, for the same folder: validated and hashed, so that a cold start reads no YAML. */
  packaged: { name: string; text: string }
}

const ROOT = join(import.meta.dirname, "..")

/**
 * The policy, every file that it needs, and its packaged form. Throws DeployError if there is no policy, if it
 * has problems, or if it needs a file that the function would not find.
 */
export async function policyFiles(policy: string): Promise<DeployedPolicy> {
  // The policy's path is relative, so that only files which it names by an absolute path have one.
  const path = relative("", policy)
  const loaded = await loadPolicyFile(path).catch((error: unknown) => {
    if (!(error instanceof PolicyError)) throw error
    throw new DeployError([
      ...error.problems.map(problemLine),
      "Without a valid policy a function does nothing",
    ])
  })
  const nameOf = (file: string): string =>
    file === path ? POLICY : relative(dirname(path), file).split(sep).join("/")
  const deployed = loaded.files.map((file) => ({ path: file, name: nameOf(file) }))
  const problems = deployed.flatMap(({ path: file, name }) => {
    if (isAbsolute(file))
      return [`${file}: the policy names it by an absolute path, which the function does not have`]
    return name.startsWith("../")
      ? [`${file}: it is not below the policy's folder, so the function would not find it`]
      : []
  })
  const names = deployed.map(({ name }) => name)
  const duplicates = names
    .filter((name, i) => names.indexOf(name) < i)
    .map((name) => `${name}: two files have this name`)
  if (problems.length + duplicates.length > 0) throw new DeployError([...problems, ...duplicates])
  const text = packagedText(loaded, { program: programId(ROOT), nameOf })
  return { files: deployed, packaged: { name: basename(packagedPath(POLICY)), text } }
}

/** Runs a packaging command. If it fails, prints each problem on a line and sets exit code 1. */
export async function packaging(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    for (const problem of problemsOf(error)) console.error(problem)
    console.error("Nothing was packaged")
    process.exitCode = 1
  }
}

/** Problems of a DeployError or a file system error. Rethrows any other error, which is a bug of ours. */
function problemsOf(error: unknown): readonly string[] {
  if (error instanceof DeployError) return error.problems
  const { path, code } = error as NodeJS.ErrnoException
  if (path === undefined || code === undefined) throw error
  return [`${resolve(path)}: cannot be read or written: ${code}`]
}
