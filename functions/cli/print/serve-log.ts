import type { Settings } from "../../../lib/app/settings.ts"
import { cleanText } from "../../../lib/decision/inputs/foreign-text.ts"
import { counted, sayDuration } from "../../../lib/decision/policy/amounts.ts"
import type { AnsweredRequest, Emit, ServeEvent } from "../../../lib/serve/event.ts"
import { STATUS_PATHS } from "../../../lib/serve/respond.ts"
import type { SkippedTick } from "../../../lib/serve/ticker.ts"
import { isLedgerFault, lineOf, titleOf } from "../../log.ts"
import type { Task } from "../context.ts"
import { linesOf } from "../errors.ts"

export type LogLevel = Settings["logLevel"]

/** One line of the log. */
interface Line {
  level: LogLevel
  text: string
  fields?: Record<string, unknown>
}

export interface ServeLog {
  say(level: LogLevel, text: string, fields?: Record<string, unknown>): void
  emit: Emit
}

const LEVELS: readonly LogLevel[] = ["DEBUG", "INFO", "WARN", "ERROR"]

/** Writes text to stderr, or JSON lines to stdout. Each line has its time and level. */
export function serveLog({ screen, options, io }: Task, least: LogLevel): ServeLog {
  const write = ({ level, text, fields = {} }: Line): void => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return
    const at = new Date(io.clock.now()).toISOString()
    if (options.json) screen.jsonLine(JSON.stringify({ at, level, message: text, ...fields }))
    else screen.note(`${at} ${level.padEnd(5)} ${cleanText(text, MAX_LINE_CHARS)}`)
  }
  return {
    say: (level, text, fields) => write({ level, text, ...(fields ? { fields } : {}) }),
    emit: (event) => {
      for (const line of linesFor(event)) write(line)
    },
  }
}

function linesFor(event: ServeEvent): Line[] {
  switch (event.kind) {
    case "request":
      return [requestLine(event.answered)]
    case "result":
      return [
        {
          level: isLedgerFault(event.result) ? "ERROR" : "INFO",
          text: resultText(event.result),
          fields: lineOf(event.result),
        },
      ]
    case "warning":
      return [{ level: "WARN", text: event.says }]
    case "failed":
      return linesOf(event.error).map((line) => ({ level: "ERROR", text: `${event.what}: ${bare(line)}` }))
    case "ticked":
      return [tickLine(event)]
    case "tick-skipped":
      return [skippedLine(event.tick)]
    case "policy-read":
      return [policyLine(event)]
    case "policy-refused":
      return [
        ...linesOf(event.error).map((line): Line => ({ level: "ERROR", text: bare(line) })),
        { level: "ERROR", text: "the new policy was refused; the previous one stays active" },
      ]
    case "stopping":
      return [stoppingLine(event)]
    case "dropped":
      return [
        {
          level: "WARN",
          text: `accepted before the stop but not run; the next tick must find it: ${event.signals.join(", ")}`,
        },
      ]
    case "stopped":
      return [stoppedLine(event.left)]
    default:
      return event satisfies never
  }
}

/** Line of one HTTP request: `POST /alertmanager 200 in 132 ms`. */
function requestLine({ method, path, status, tookMs, why }: AnsweredRequest): Line {
  const text = `${method} ${path} ${status} in ${Math.round(tookMs)} ms${why === null ? "" : `: ${why}`}`
  const level = status >= 400 ? "WARN" : STATUS_PATHS.includes(path) ? "DEBUG" : "INFO"
  return { level, text, fields: { method, path, status, tookMs: Math.round(tookMs) } }
}

function resultText(result: Extract<ServeEvent, { kind: "result" }>["result"]): string {
  const says = result.decision.findings.find(({ passed }) => passed === false)?.says
  return `${titleOf(result)}${result.mode === "live" ? "" : ` [${result.mode}]`}${says === undefined ? "" : `: ${says}`}`
}

function tickLine({ at, isOk, tookMs }: Extract<ServeEvent, { kind: "ticked" }>): Line {
  const when = new Date(at).toISOString()
  const text = `tick of ${when} ${isOk ? "done" : "FAILED"} in ${Math.round(tookMs)} ms`
  return {
    level: isOk ? "INFO" : "ERROR",
    text,
    fields: { tick: when, ok: isOk, tookMs: Math.round(tookMs) },
  }
}

function skippedLine({ at, why }: SkippedTick): Line {
  const when = new Date(at).toISOString()
  const because =
    why === "running"
      ? "the previous tick is still running"
      : "the process was not awake in time. Missed ticks are not repeated; the next tick decides on the present state"
  return { level: "WARN", text: `tick of ${when} skipped: ${because}`, fields: { tick: when, skipped: why } }
}

function policyLine({ file, next }: Extract<ServeEvent, { kind: "policy-read" }>): Line {
  const policies = file.supernodes.map(({ policy, hash }) => ({ supernode: policy.name, hash }))
  const said = policies.map(({ supernode, hash }) => `${supernode} ${hash.slice(0, 15)}`).join(", ")
  const nextTick = next === null ? null : new Date(next).toISOString()
  return { level: "INFO", text: `the policy was read again: ${said}`, fields: { policies, nextTick } }
}

function stoppingLine({ graceMs, running }: Extract<ServeEvent, { kind: "stopping" }>): Line {
  const what =
    running === 0
      ? "nothing is in progress"
      : `finishing ${counted(running, "run")} first, up to ${sayDuration(graceMs)}; a second signal ends it at once`
  return { level: "INFO", text: `stopping: ${what}`, fields: { running, graceMs } }
}

function stoppedLine(left: number): Line {
  if (left === 0) return { level: "INFO", text: "stopped" }
  const text = `stopped with ${counted(left, "run")} still in progress; an attempt left open counts as unknown`
  return { level: "ERROR", text, fields: { left } }
}

/** Maximum length of a line, characters. */
const MAX_LINE_CHARS = 8_000

/** Removes `error: `, since lines of the log already have a level. */
function bare(line: string): string {
  return line.replace(/^error: /, "")
}
