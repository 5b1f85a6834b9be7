import type { Signal } from "../../../lib/decision/inputs/signal.ts"
import { counted } from "../../../lib/decision/policy/amounts.ts"
import { sayMoney } from "../../../lib/decision/policy/money.ts"
import type { OperatorCommand } from "../../../lib/decision/state/control.ts"
import type { FleetChange } from "../../../lib/decision/state/fleet-reservations.ts"
import type { LedgerOrigin } from "../../../lib/decision/state/ledger-identity.ts"
import { sayTime } from "../../../lib/decision/verdict.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import { sayOutcome } from "./result.ts"

/** One entry in a sentence. Its times are in UTC; `inZone` converts them for people. */
export function sayEntry(entry: LedgerEntry): string {
  const { kind, mode, decision, plan, outcome, observation, said, fleet } = entry
  if (fleet) return sayPlace(entry, fleet)
  switch (kind) {
    case "decided": {
      if (decision?.kind === "hold")
        return `hold (${decision.heldBy ?? "not evaluated"})${plan ? `, would go ${plan.from} -> ${counted(plan.to, "server")}` : ""}`
      return `scale-up${plan ? ` ${plan.from} -> ${counted(plan.to, "server")}` : ""}${mode === "observe" ? ", observed only" : ""}`
    }
    case "opened":
      return plan ? `attempt ${plan.from} -> ${counted(plan.to, "server")}, ${plan.flavor}` : "attempt"
    case "settled":
      return outcome ? `${outcome.kind.toUpperCase()}: ${sayOutcome(outcome)}` : "settled"
    case "observed":
      return observation ? `${observation.kind}: ${observation.says}` : "observed"
    case "said":
      return said ? sayOperatorCommand(said) : "said"
    default:
      return kind satisfies never
  }
}

/** An entry of stream `fleet`: an attempt's place that was taken, or given back after the attempt ended. */
function sayPlace({ kind, outcome }: LedgerEntry, { reservation, over }: FleetChange): string {
  const { stream, id, cost } = reservation
  if (kind !== "opened")
    return `reservation of attempt ${id} released: ${outcome?.kind ?? "over"} (${stream})`
  const price = cost ? sayMoney(cost) : "an unknown price"
  const dropped = over.length > 0 ? `; ${counted(over.length, "earlier reservation")} had ended` : ""
  return `reservation for attempt ${id}, ${price} (${stream} #${reservation.seq})${dropped}`
}

/** State in which `ledger init` found the ledger, in words. */
export const SAY_ORIGIN: Readonly<Record<LedgerOrigin, string>> = {
  empty: "an empty ledger",
  "nothing-in-flight": "an empty ledger, no order in flight",
  adopted: "a ledger with entries",
}

function sayOperatorCommand(said: OperatorCommand): string {
  const words = sayCommand(said)
  return "signature" in said && said.signature ? `${words} (signed)` : words
}

function sayCommand(said: OperatorCommand): string {
  switch (said.verb) {
    case "pause":
    case "hold":
      return `${said.verb} ${said.supernode ?? "everything"}${said.until === null ? "" : ` until ${sayTime(said.until)}`}, by ${said.by}: ${said.why}`
    case "resume":
      return `resume ${said.supernode ?? "everything"}, by ${said.by}: ${said.why}`
    case "approve":
      return `approve ${said.planHash}, by ${said.by}`
    case "settle":
      return `settle attempt ${said.attempt} as ${said.as}, by ${said.by}: ${said.why}`
    case "reset":
      return `reset, by ${said.by}: ${said.why}`
    case "init":
      return `ledger init ${said.ledger.id} (${SAY_ORIGIN[said.origin]}), by ${said.by}: ${said.why}`
    case "restored":
      return `ledger restored, by ${said.by}: ${said.why}`
    case "confirm":
      return `ledger confirm ${said.supernode}, by ${said.by}: ${said.why}`
    default:
      return said satisfies never
  }
}

/** The signal of the run in words. Its times are in UTC, as in `sayEntry`. */
export function saySignal(signal: Signal): string {
  switch (signal.kind) {
    case "alarm":
      return `${signal.source} alarm ${signal.alarm} (${signal.state}) of ${sayTime(signal.at)}`
    case "tick":
      return `${signal.name === "tick" ? "tick" : `tick of ${signal.name}`}, ${sayTime(signal.at)}`
    case "request":
      return `request by ${signal.requestedBy}: ${signal.why}`
    default:
      return signal satisfies never
  }
}
