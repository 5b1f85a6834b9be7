import type { Outcome } from "../decision/state/outcome.ts"
import { latchingRules } from "../decision/transitions/fold.ts"
import { nextEntry, sealIfFits } from "../ledger/next-entry.ts"
import type { Ports } from "../ports.ts"
import { heldTooBig } from "./hold-for.ts"
import { mayTryLarger } from "./preconditions.ts"
import { entryFieldsOf, note } from "./record-decision.ts"
import { type PurchaseIntent, releaseInTurn, reserveInTurn } from "./reserve.ts"
import { resultOf } from "./result.ts"
import type { Round } from "./round.ts"
import { sendOnce } from "./send.ts"
import { settle } from "./settle.ts"
import type { RunTask } from "./task.ts"

const OVERTAKEN: Outcome = {
  kind: "not-sent",
  reason: "overtaken",
  says: "the attempt was not opened, because another run appended to the ledger first",
}

const TOO_BIG: Outcome = {
  kind: "not-sent",
  reason: "standing-full",
  says: "the attempt was not opened, because its entry would be too big for the ledger",
}

/** Opens the attempt, sends its request and records the outcome. Its request is sent at most once. */
export async function purchase(ports: Ports, task: RunTask, intent: PurchaseIntent): Promise<Round> {
  const { plan } = intent
  const reserved = await reserveInTurn(ports, task, intent)
  if (reserved.kind === "overtaken")
    return { kind: "overtaken", decision: intent.decision, plan, mode: "live" }
  const { situation, decision } = reserved
  const ready = { ...intent, situation, decision }
  if (reserved.kind === "held") return note(ports, task, { ...ready, mode: "live" })

  const { attempt, sendBeforeMonotonic } = reserved
  const fields = { ...entryFieldsOf(ports, task, { situation, mode: "live" }), at: attempt.openedAt }
  const latching = latchingRules(situation.policy, decision.target?.rules ?? [])
  const opening = { ...fields, kind: "opened" as const, decision, plan, attempt: { ...attempt, latching } }
  const opened = sealIfFits(() => nextEntry(task.stream, ready.head, opening))
  if (!opened || (await ports.ledger.append(opened)) === "conflict") {
    await releaseInTurn(ports, reserved, opened ? OVERTAKEN : TOO_BIG)
    if (opened) return { kind: "overtaken", decision, plan, mode: "live" }
    return note(ports, task, { ...ready, decision: heldTooBig(decision), mode: "live" })
  }

  // ---- the line of no return ----
  const outcome = await sendOnce(ports, task, { ...ready, attempt, sendBeforeMonotonic })
  const settled = await settle(ports, task, { opened, attempt, outcome })
  await releaseInTurn(ports, reserved, outcome)
  const result = resultOf({
    supernode: situation.policy.name,
    mode: "live",
    decision,
    plan,
    outcome,
    entry: settled,
  })
  const tail = { head: settled, at: settled.at }
  return { kind: mayTryLarger(task, situation, outcome) ? "next-larger" : "done", result, tail }
}
