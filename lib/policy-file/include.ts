import { readdir } from "node:fs/promises"
import { isAbsolute, join } from "node:path"

/**
 * Files that match a pattern such as `more/*.yaml`, relative to `folder`, in alphabetical order. `*` and `?`
 * match within a name, and `**` matches any number of folders. A folder that cannot be listed has no matches.
 */
export async function filesMatching(folder: string, pattern: string): Promise<string[]> {
  if (isAbsolute(pattern)) return []
  const segments = pattern
    .split("/")
    .filter((segment) => segment !== "" && segment !== ".")
    // Several `**` in a row match the same as one, but would walk every folder again.
    .filter((segment, i, all) => segment !== "**" || all[i - 1] !== "**")
  const found = await expand(folder, segments)
  return [...new Set(found)].sort()
}

async function expand(folder: string, [segment, ...rest]: string[]): Promise<string[]> {
  if (segment === undefined) return []
  if (segment === "..") return expand(join(folder, ".."), rest)
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const found: string[] = []
  if (segment === "**") {
    found.push(...(await expand(folder, rest)))
    for (const entry of entries.filter((e) => e.isDirectory() && !e.name.startsWith("."))) {
      found.push(...(await expand(join(folder, entry.name), [segment, ...rest])))
    }
    return found
  }
  const names = entries.map((entry) => entry.name).filter((name) => nameMatches(name, segment))
  if (rest.length === 0) return names.map((name) => join(folder, name))
  for (const name of names) found.push(...(await expand(join(folder, name), rest)))
  return found
}

/** As in a shell, only a segment with a leading period matches hidden names, which editors leave behind. */
function nameMatches(name: string, segment: string): boolean {
  if (name.startsWith(".") && !segment.startsWith(".")) return false
  return fits(name, segment.replace(/\*{2,}/g, "*"))
}

/**
 * True if a name matches a pattern of `*` and `?`. Avoids a regular expression, whose work multiplies with
 * every `*`. This loop only goes back to the last `*`, so it takes at most name length × pattern length
 * steps. No two `*` are adjacent, so a pattern longer than 2 × name length + 1 cannot match.
 */
function fits(name: string, pattern: string): boolean {
  if (pattern.length > 2 * name.length + 1) return false
  let [n, p] = [0, 0]
  let star: { n: number; p: number } | null = null
  while (n < name.length) {
    if (pattern[p] === "*") {
      star = { n, p }
      p += 1
    } else if (pattern[p] === "?" || pattern[p] === name[n]) {
      n += 1
      p += 1
    } else if (star === null) return false
    else {
      star.n += 1
      n = star.n
      p = star.p + 1
    }
  }
  return p === pattern.length || (pattern[p] === "*" && p + 1 === pattern.length)
}
