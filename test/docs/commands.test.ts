import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { ROOT } from "../packaging/built.ts"
import { blocksOf, NOT_RUN, WALKS } from "./walks.ts"

// A walk (`npm run test:full`) runs every command that a document shows in a block, or a reason is listed.

it("each block of commands in a document runs in a test, or has a stated reason why it cannot", () => {
  const docs = readdirSync(join(ROOT, "docs")).filter((file) => file.endsWith(".md"))
  const files = [
    "README.md",
    "CONTRIBUTING.md",
    "deploy/huawei/README.md",
    ...docs.map((file) => `docs/${file}`),
  ]
  const written = files.flatMap((file) =>
    blocksOf(readFileSync(join(ROOT, file), "utf8")).map((block) => `${file}: ${block.split("\n")[0]}`),
  )
  const run = Object.entries(WALKS).flatMap(([file, { plays }]) =>
    plays.map(({ begins }) => `${file}: ${begins}`),
  )
  const listed = [...run, ...Object.keys(NOT_RUN)]
  expect(written.toSorted()).toEqual(listed.toSorted())
})
