import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, describe, expect, it, vi } from "vitest"
import { type DeployError, packaging, policyFiles } from "../../deploy/policy-files.ts"
import { zipArguments } from "../../deploy/zip-arguments.ts"
import { GOOD, good, policyFolder } from "../policy-file/policy-files.ts"

const HEAD = "version: 1\ninclude: [ more/*.yaml ]\n"
const SUPERNODE = GOOD.slice(GOOD.indexOf("supernodes:"))
const withUserdata = (path: string) =>
  good(["      key_pair_name", `      userdata_file: ${path}\n      key_pair_name`])

async function problemsOf(files: Record<string, string>): Promise<readonly string[]> {
  const error: unknown = await policyFiles(await policyFolder(files)).catch((thrown: unknown) => thrown)
  return (error as DeployError).problems
}

describe("what a deployment takes of a policy", () => {
  it("a deployment takes the policy, what it includes and its userdata files, each below the policy's folder", async () => {
    const path = await policyFolder({
      "policy.yaml": HEAD,
      "more/a.yaml": `version: 1\n${withUserdata("scripts/boot.sh").slice("version: 1\n".length)}`,
      "more/scripts/boot.sh": "#!/bin/sh\n",
      "more/notes.txt": "not needed",
    })
    const names = (await policyFiles(path)).files.map(({ name }) => name)
    expect(names).toEqual(["policy.yaml", "more/a.yaml", "more/scripts/boot.sh"])
  })

  it("a deployment names the policy policy.yaml, whatever the file is called", async () => {
    const path = await policyFolder({ "production.yaml": GOOD })
    const names = (await policyFiles(join(path, "../production.yaml"))).files.map(({ name }) => name)
    expect(names).toEqual(["policy.yaml"])
  })

  it("a deployment refuses a policy if the function would not find one of its files", async () => {
    const path = await policyFolder({ "deep/policy.yaml": withUserdata("../boot.sh"), "boot.sh": "x" })
    await expect(policyFiles(join(path, "../deep/policy.yaml"))).rejects.toThrow(
      "boot.sh: it is not below the policy's folder, so the function would not find it",
    )
    const absolute = await problemsOf({ "policy.yaml": withUserdata("/etc/hostname") })
    expect(absolute).toEqual([
      expect.stringMatching(/^\/etc\/hostname: the policy names it by an absolute path/),
    ])
  })

  it("a deployment refuses an invalid policy with all its problems", async () => {
    expect(await problemsOf({ "policy.yaml": good(["above: 85", "above: high"]) })).toEqual([
      expect.stringContaining('supernodes.0.rules.0.above: must be a number, not "high"'),
      "Without a valid policy a function does nothing",
    ])
  })

  it("a deployment refuses a policy of which two files would have the same name", async () => {
    const path = await policyFolder({
      "main.yaml": `version: 1\ninclude: [ policy.yaml ]\n`,
      "policy.yaml": `version: 1\n${SUPERNODE}`,
    })
    await expect(policyFiles(join(path, "../main.yaml"))).rejects.toThrow(
      "policy.yaml: two files have this name",
    )
  })
})

describe("npm run package:functiongraph", () => {
  it("npm run package:functiongraph takes the policy, the zip and files beside the policy", () => {
    expect(zipArguments([], "dist")).toEqual({
      policy: "policy.yaml",
      out: "dist/functiongraph.zip",
      others: [],
    })
    expect(zipArguments(["a.yaml", "b.zip", "--with", "ca.pem", "--with", "b.pem"], "dist")).toEqual({
      policy: "a.yaml",
      out: "b.zip",
      others: ["ca.pem", "b.pem"],
    })
  })

  it.each([
    [
      "a second policy, which the zip would overwrite",
      ["a.yaml", "b.yaml"],
      "b.yaml: the second argument names the zip",
    ],
    ["a third name", ["a.yaml", "b.zip", "c.yaml"], "c.yaml: too many arguments"],
    ["an option that it does not know", ["--wiht", "ca.pem"], "Unknown option '--wiht'"],
  ])("npm run package:functiongraph refuses %s, and shows its usage", (_, args, says) => {
    expect(() => zipArguments(args, "dist")).toThrow(
      expect.objectContaining({
        name: "DeployError",
        problems: [
          expect.stringContaining(says),
          expect.stringMatching(/^npm run package:functiongraph -- /),
        ],
      }),
    )
  })
})

describe("a command that packages", () => {
  afterEach(() => {
    vi.restoreAllMocks()
    process.exitCode = undefined
  })

  it("a packaging command names a path that it cannot write, without a stack trace", async () => {
    const said = vi.spyOn(console, "error").mockReturnValue()
    const path = join(await policyFolder({ "policy.yaml": GOOD }), "functiongraph.zip")
    await packaging(() => writeFile(path, ""))
    expect(said.mock.calls).toEqual([
      [`${path}: cannot be read or written: ENOTDIR`],
      ["Nothing was packaged"],
    ])
    expect(process.exitCode).toBe(1)
  })
})
