import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const ROOT = fileURLToPath(new URL("../../", import.meta.url))
const FOLDERS = ["lib/huawei", "lib/metrics"]
/** The alarm's own points are the signals' business, the login is ours. */
const LEFT_OUT = ["lib/metrics/alarm.ts", "lib/metrics/prometheus/auth.ts"]
/** Whatever lets a foreign value pass that is not what it should be, or makes it into something else. */
const LENIENT =
  /\.catch\(|\.nullish\(|\.nullable\(|\.optional\(|\.default\(|z\.coerce|\bNumber\(|Date\.parse\(|parse(?:Int|Float)\(|(?<!\.)\bArray\.isArray\(|isRecord\(\w+(?:\[[^\]]+\])?\) \?|(?:Results|Timestamps|Values|Messages|servers|datapoints|values|result|data) \?\? /

/** Lenient lines of the readers, as `file  line`. */
export function lenientLines(): string[] {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: "utf8" }).map((name) => `${folder}/${name}`),
  ).filter((file) => file.endsWith(".ts") && !LEFT_OUT.includes(file))
  return files.sort().flatMap((file) =>
    readFileSync(`${ROOT}${file}`, "utf8")
      .split("\n")
      .filter((line) => LENIENT.test(line) && !/^\s*(\*|\/\/|\/\*\*|import )/.test(line))
      .map((line) => `${file}  ${line.trim()}`),
  )
}
