import { didYouMean } from "../decision/policy/did-you-mean.ts"

// Names of time zones: those of the IANA list and its aliases, but no other name that the runtime accepts.
// Its ICU also knows CST (as Chicago), BST (as Dhaka) and others, by which most people mean another zone.

/** Areas of the IANA list, including those of its aliases (file `backward`). */
const AREAS =
  /^(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Brazil|Canada|Chile|Etc|Europe|Indian|Mexico|Pacific|US)\//i

/** IANA aliases without an area, and UTC and GMT themselves. Excludes abbreviations (EST, CET …). */
const WITHOUT_AREA = [
  "Cuba",
  "Egypt",
  "Eire",
  "GB",
  "GB-Eire",
  "GMT",
  "GMT+0",
  "GMT-0",
  "GMT0",
  "Greenwich",
  "Hongkong",
  "Iceland",
  "Iran",
  "Israel",
  "Jamaica",
  "Japan",
  "Kwajalein",
  "Libya",
  "NZ",
  "NZ-CHAT",
  "Navajo",
  "PRC",
  "Poland",
  "Portugal",
  "ROC",
  "ROK",
  "Singapore",
  "Turkey",
  "UCT",
  "UTC",
  "Universal",
  "W-SU",
  "Zulu",
] as const

/** A former zone name that the runtime still accepts. */
const WITHDRAWN = ["us/pacific-new"]

/** Zones that people probably mean by an abbreviation or a name. */
const ZONES_BY_WORD: Readonly<Record<string, readonly string[]>> = {
  AEDT: ["Australia/Sydney"],
  AEST: ["Australia/Sydney", "Australia/Brisbane"],
  ACT: ["Australia/Darwin", "America/Rio_Branco"],
  AET: ["Australia/Sydney"],
  ART: ["America/Argentina/Buenos_Aires", "Africa/Cairo"],
  AST: ["Asia/Riyadh", "America/Halifax"],
  BET: ["America/Sao_Paulo"],
  BRT: ["America/Sao_Paulo"],
  BST: ["Europe/London", "Asia/Dhaka"],
  CAT: ["Africa/Maputo"],
  CCT: ["Asia/Shanghai"],
  CDT: ["America/Chicago"],
  CEST: ["Europe/Berlin", "Europe/Paris"],
  CET: ["Europe/Berlin", "Europe/Paris"],
  CNT: ["America/St_Johns"],
  CST: ["Asia/Shanghai", "America/Chicago"],
  CST6CDT: ["America/Chicago"],
  CTT: ["Asia/Shanghai"],
  EAT: ["Africa/Nairobi"],
  ECT: ["Europe/Paris", "America/Guayaquil"],
  EDT: ["America/New_York"],
  EEST: ["Europe/Athens", "Europe/Bucharest"],
  EET: ["Europe/Athens", "Europe/Bucharest"],
  EST: ["America/New_York", "America/Panama"],
  EST5EDT: ["America/New_York"],
  GST: ["Asia/Dubai"],
  HKT: ["Asia/Hong_Kong"],
  HST: ["Pacific/Honolulu"],
  ICT: ["Asia/Bangkok", "Asia/Ho_Chi_Minh"],
  IST: ["Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"],
  JST: ["Asia/Tokyo"],
  KST: ["Asia/Seoul"],
  MDT: ["America/Denver"],
  MET: ["Europe/Berlin", "Europe/Paris"],
  MSK: ["Europe/Moscow"],
  MST: ["America/Denver", "America/Phoenix"],
  MST7MDT: ["America/Denver"],
  MYT: ["Asia/Kuala_Lumpur"],
  NET: ["Asia/Yerevan"],
  NST: ["America/St_Johns", "Pacific/Auckland"],
  NZDT: ["Pacific/Auckland"],
  NZST: ["Pacific/Auckland"],
  PDT: ["America/Los_Angeles"],
  PKT: ["Asia/Karachi"],
  PLT: ["Asia/Karachi"],
  PNT: ["America/Phoenix"],
  PRT: ["America/Puerto_Rico"],
  PST: ["America/Los_Angeles", "Asia/Manila"],
  PST8PDT: ["America/Los_Angeles"],
  SGT: ["Asia/Singapore"],
  SST: ["Asia/Singapore", "Pacific/Pago_Pago", "Pacific/Guadalcanal"],
  TRT: ["Europe/Istanbul"],
  VST: ["Asia/Ho_Chi_Minh"],
  WET: ["Europe/Lisbon"],
  WEST: ["Europe/Lisbon"],
  WIB: ["Asia/Jakarta"],
  BEIJING: ["Asia/Shanghai"],
  CHINA: ["Asia/Shanghai"],
}

const MAX_LENGTH = 64

/** Reason why a text is not a zone name; `null` if it is one. */
export function timezoneProblem(name: string): string | null {
  if (isZoneName(name)) return null
  const rule = "must be an IANA time zone such as Asia/Shanghai or UTC"
  const suggestions = likelyNames(name)
  if (suggestions.length === 0) return rule
  return `${rule}, not ${JSON.stringify(name.slice(0, MAX_LENGTH))}: did you mean ${suggestions.join(" or ")}?`
}

function isZoneName(name: string): boolean {
  if (name.length > MAX_LENGTH || WITHDRAWN.includes(name.toLowerCase())) return false
  const mayBe = AREAS.test(name) || WITHOUT_AREA.some((known) => known.toLowerCase() === name.toLowerCase())
  return mayBe && isKnownHere(name)
}

/** True if this runtime's time zone data has the name. */
export function isKnownHere(name: string): boolean {
  if (name === "UTC") return true
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== ""
  } catch {
    return false
  }
}

function likelyNames(name: string): readonly string[] {
  const written = name.slice(0, MAX_LENGTH).trim()
  const word = written.replace(/^.*\//, "").toUpperCase()
  const zones = Object.hasOwn(ZONES_BY_WORD, word) ? ZONES_BY_WORD[word] : undefined
  if (zones) return zones
  const all = Intl.supportedValuesOf("timeZone")
  const matching = all.filter((zone) => plain(zone.replace(/^.*\//, "")) === plain(written))
  if (matching.length > 0) return matching
  const near = didYouMean(written, all)
  return near === null ? [] : [near]
}

function plain(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z]/g, "")
}

/**
 * Explains a name such as `Etc/GMT+8`, which is eight hours behind UTC because it uses POSIX's sign; `null`
 * for all other names.
 */
export function reversedSign(name: string): string | null {
  const [, sign, hours = "0"] = /^Etc\/GMT([+-])(\d{1,2})$/i.exec(name) ?? []
  if (sign === undefined || Number(hours) === 0) return null
  const offset = `UTC${sign === "+" ? "-" : "+"}${Number(hours)}`
  const other = `Etc/GMT${sign === "+" ? "-" : "+"}${Number(hours)}`
  // No place is 13 or 14 hours behind UTC, so there is no such name for them.
  const place = "a place such as Asia/Shanghai"
  const advice = isKnownHere(other)
    ? `For UTC${sign}${Number(hours)} write ${other}, or better ${place}`
    : `Better write ${place}`
  return `${name} is ${offset}: the sign of these names is reversed. ${advice}`
}
