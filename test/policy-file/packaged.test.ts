import { readFileSync } from "node:fs"
import { mkdir, rm, writeFile } from "node:fs/promises"
import { dirname, join, relative } from "node:path"
import { afterEach, describe, expect, it, vi } from "vitest"
import { loadPolicyFile } from "../../lib/policy-file/load.ts"
import { packagedPath, packagedText, readPackaged } from "../../lib/policy-file/packaged.ts"
import { GOOD, good, policyFolder } from "./policy-files.ts"

const PROGRAM = "0.1.0+program"

const SECOND = `version: 1
supernodes:
  - { name: train-b, id: b4beacb6-4380-448c-a218-daa82cf03f5e }
`

/**
 * A policy with all that a packaged policy keeps: includes, userdata, recipients, warnings, zone and ledger.
 */
const FILES = {
  "policy.yaml": good(
    ["supernodes:\n", "include: [ more/*.yaml ]\nsupernodes:\n"],
    [
      "version: 1\n",
      "version: 1\ntimezone: Asia/Shanghai\nledger_id: 1edfe000-0000-4000-8000-000000000001\n",
    ],
    [
      "version: 1\n",
      `version: 1\nnotify: { webhook: "https://ops.example/hook", format: slack }\ndefaults:\n${GOOD.split("\n").slice(3, 5).join("\n")}\n${GOOD.split("\n").slice(6).join("\n")}\n`,
    ],
    ["order:\n      image_id", "order:\n      userdata_file: boot.sh\n      image_id"],
  ),
  "boot.sh": "#!/bin/sh\n",
  "more/b.yaml": SECOND,
}

async function packagedFolder(): Promise<string> {
  const path = await policyFolder(FILES)
  const nameOf = (file: string) => relative(dirname(path), file)
  await writeFile(packagedPath(path), packagedText(await loadPolicyFile(path), { program: PROGRAM, nameOf }))
  return path
}

afterEach(() => vi.unstubAllGlobals())

describe("a packaged policy", () => {
  it("a packaged policy gives the same policies, hashes, warnings, recipients and files as the YAML", async () => {
    const path = await packagedFolder()
    const fromYaml = await loadPolicyFile(path)
    expect(fromYaml.warnings.length).toBeGreaterThan(0)
    expect(await readPackaged(path, PROGRAM)).toEqual({ file: fromYaml })
  })

  it("loading a policy that was not packaged causes no warning about a packaged policy", async () => {
    expect(await readPackaged(await policyFolder(FILES), PROGRAM)).toEqual({ why: null })
  })

  it("a packaged policy cannot be changed through one of the supernodes that share its values", async () => {
    const read = await readPackaged(await packagedFolder(), PROGRAM)
    const [first] = "file" in read ? read.file.supernodes : []
    expect(() => first?.policy.ladder.pop()).toThrow(TypeError)
  })

  it.each<[string, (folder: string) => Promise<unknown>, RegExp]>([
    [
      "one character of the policy file differs, even in a comment",
      (folder) => writeFile(join(folder, "policy.yaml"), FILES["policy.yaml"].replace("\n", " #\n")),
      /policy\.yaml has changed since it was packaged$/,
    ],
    [
      "a price differs but the length does not",
      (folder) =>
        writeFile(join(folder, "policy.yaml"), FILES["policy.yaml"].replace("above: 85", "above: 95")),
      /policy\.yaml has changed since/,
    ],
    [
      "the policy file is missing",
      (folder) => rm(join(folder, "policy.yaml")),
      /policy\.yaml has changed since/,
    ],
    [
      "an included file differs",
      (folder) => writeFile(join(folder, "more/b.yaml"), SECOND.replace("5e }", "5d }")),
      /more\/b\.yaml has changed since/,
    ],
    [
      "a userdata file differs",
      (folder) => writeFile(join(folder, "boot.sh"), "#!/bin/zh\n"),
      /boot\.sh has changed since/,
    ],
    [
      "the policy file is a folder",
      async (folder) => {
        await rm(join(folder, "policy.yaml"))
        await mkdir(join(folder, "policy.yaml"))
      },
      /policy\.yaml has changed since/,
    ],
    [
      "a pattern under include matches another file too",
      (folder) => writeFile(join(folder, "more/c.yaml"), SECOND),
      /"more\/\*\.yaml" under include matches other files/,
    ],
    [
      "one bit of the packaged file is wrong",
      (folder) => changeByte(packagedPath(join(folder, "policy.yaml")), (at) => Math.floor(at / 2)),
      /^it is damaged$/,
    ],
    [
      "the end of the packaged file is missing",
      (folder) => {
        const path = packagedPath(join(folder, "policy.yaml"))
        return writeFile(path, readFileSync(path).subarray(0, -1))
      },
      /^it is damaged$/,
    ],
    [
      "the packaged file is empty",
      (folder) => writeFile(packagedPath(join(folder, "policy.yaml")), ""),
      /^it is damaged$/,
    ],
    [
      "the packaged file is a folder",
      async (folder) => {
        await rm(packagedPath(join(folder, "policy.yaml")))
        await mkdir(packagedPath(join(folder, "policy.yaml")))
      },
      /^it cannot be read: EISDIR$/,
    ],
  ])("a packaged policy is not used if %s", async (_, change, why) => {
    const path = await packagedFolder()
    await change(dirname(path))
    expect(await readPackaged(path, PROGRAM)).toEqual({ why: expect.stringMatching(why) })
  })

  it("a packaged policy is not used by another version of the program, which may have other rules", async () => {
    const why = "another version of the program made it"
    expect(await readPackaged(await packagedFolder(), "0.1.0+other")).toEqual({ why })
  })

  it("a packaged policy is not used for a policy file with another name", async () => {
    const path = await policyFolder(FILES)
    const nameOf = (file: string) => (file === path ? "other.yaml" : relative(dirname(path), file))
    const text = packagedText(await loadPolicyFile(path), { program: PROGRAM, nameOf })
    await writeFile(packagedPath(path), text)
    expect(await readPackaged(path, PROGRAM)).toEqual({ why: "it belongs to another policy file" })
  })

  it("a packaged policy is not used on a Node.js that does not know the policy's time zone", async () => {
    const path = await packagedFolder()
    vi.stubGlobal("Intl", {
      ...Intl,
      DateTimeFormat: class {
        constructor() {
          throw new RangeError("Invalid time zone specified")
        }
      },
    })
    const why = "this Node.js does not know the time zone Asia/Shanghai"
    expect(await readPackaged(path, PROGRAM)).toEqual({ why })
  })
})

async function changeByte(path: string, at: (length: number) => number): Promise<void> {
  const bytes = readFileSync(path)
  const place = at(bytes.length)
  bytes[place] = (bytes[place] ?? 0) ^ 1
  await writeFile(path, bytes)
}
