import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

/**
 * Version and digest of everything that decides how a policy file is read: the sources under lib/ and the versions of the
 * packages. The build writes it into the bundles, and packaging writes it into the packaged policy.
 */
export function programId(root) {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  const sources = readdirSync(join(root, "lib"), { recursive: true })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `lib/${name.replaceAll("\\", "/")}`)
    .sort()
  const hash = createHash("sha256")
  for (const name of [...sources, "package-lock.json"])
    hash.update(`${name}\n`).update(readFileSync(join(root, name)))
  return `${version}+${hash.digest("hex")}`
}
