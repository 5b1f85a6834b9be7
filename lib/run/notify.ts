import { type DueNotification, dueNotifications } from "../decision/explain/notifications.ts"
import { isNotifiedOnce, type PendingAction } from "../decision/explain/pending-action.ts"
import { purchaseMessage, sayPurchase } from "../decision/explain/purchase-message.ts"
import { sourceLook } from "../decision/explain/source-look.ts"
import type { Situation } from "../decision/situation.ts"
import { countBlindTick } from "../decision/state/blindness.ts"
import type { Observation } from "../decision/state/observation.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import { nextEntry, stateOf } from "../ledger/next-entry.ts"
import type { Delivery, Notification, Notifier, Ports } from "../ports.ts"
import { takeAnchor } from "./anchor.ts"
import type { RunResult } from "./result.ts"
import { LEDGER_WRITE_MS, type RunTask } from "./task.ts"

// Notifications are sent after the run, once everything that it did is recorded. A failed notification never fails the run.

/** A run that is over. */
export interface FinishedRun {
  result: RunResult
  tail: RunTail | null
}

/** The chain's newest entry and the time, at the end of the run. A dry run and a repeated signal have none, so they do not notify. */
export interface RunTail {
  head: LedgerEntry | undefined
  at: number
  /** The situation of a run that bought nothing. */
  situation?: Situation
}

const MAX_WAIT_MS = 5_000
const MAX_TRIES = 3
/** Maximum per run. The next tick sends the other notifications that are due. */
const MAX_NOTIFICATIONS = 3

/**
 * Sends the notifications that are due. Appends a claim to the ledger first, so that only one of several workers sends each
 * notification. Repeats it at most hourly while the state lasts. Never throws.
 */
export async function notifyOperators(
  ports: Ports,
  task: RunTask,
  { result, tail }: FinishedRun,
): Promise<void> {
  const { notify } = ports
  if (!notify || !tail) return
  try {
    let head = await recordBlindness(ports, task, { result, ...tail })
    for (let count = 0; count < MAX_NOTIFICATIONS; count++) {
      const claim = await claimNotification(ports, task, { result, ...tail, head })
      if (!claim) return
      const anchor = carriesHeads(claim.notification) ? await takeAnchor(ports, task) : null
      const delivery = await deliver(ports, notify, { ...claim.notification, ...(anchor ? { anchor } : {}) })
      head = await noteDelivery(ports, task, { ...claim, delivery })
    }
  } catch {
    // The run is over and recorded. The next tick sends what could not be claimed now.
  }
}

interface After extends RunTail {
  result: RunResult
}

interface Claim {
  /** The claim's entry. */
  head: LedgerEntry
  notification: Notification
  /** Number of tries that failed before. */
  tries: number
}

/** Counts the ticks in which a source had no data, if a recipient has the topic `trouble`. Returns the newest entry. */
async function recordBlindness(ports: Ports, task: RunTask, after: After): Promise<LedgerEntry | undefined> {
  const { head, situation, result } = after
  if (!situation || !head || task.signal.kind !== "tick" || !ports.notify?.wants("trouble")) return head
  const before = stateOf(head).blind ?? {}
  const blind = countBlindTick(before, sourceLook(situation), task.signal.at)
  if (blind === before || ports.timeLeftMs() <= 2 * LEDGER_WRITE_MS) return head
  const now = Math.max(after.at, head.at)
  const names = Object.keys(blind)
  const says = names.length > 0 ? `no data from ${names.join(", ")}` : "every source has data again"
  const entry = observed(ports, task, head, {
    mode: result.mode,
    observation: { ...aboutPeople(now), kind: "blind", says, blind },
  })
  // If another worker appended meanwhile, this tick is not counted.
  return (await ports.ledger.append(entry)) === "appended" ? entry : head
}

/** Appends the claim. null if nothing is due, another worker has claimed it, or too little time is left. */
async function claimNotification(ports: Ports, task: RunTask, after: After): Promise<Claim | null> {
  const { mode, supernode, decision, plan = null } = after.result
  let { head } = after
  for (let tries = 0; head && tries < MAX_TRIES; tries++) {
    const state = stateOf(head)
    const now = Math.max(after.at, head.at)
    const facts = { name: supernode, state, decision, plan, now, file: fileOf(task) }
    const due = dueNotifications({ ...facts, wants: (topic) => ports.notify?.wants(topic) === true })[0]
    if (!due || ports.timeLeftMs() <= 2 * LEDGER_WRITE_MS) return null
    const action = await withPurchase(ports, task, { head, due })
    const { state: topic, about, says } = action
    const source = state.told?.[about]?.entry ?? sourceEntry(head, action)
    const claim = observed(ports, task, head, {
      mode,
      observation: {
        ...aboutPeople(now),
        kind: "telling",
        says: `${topic}: ${says}`,
        telling: { about, entry: source },
      },
    })
    if ((await ports.ledger.append(claim)) === "appended") {
      const { seq, hash } = source ?? claim
      const to = due.to === null ? {} : { to: due.to }
      return {
        head: claim,
        notification: { ...action, ...to, supernode, mode, entry: { stream: task.stream, seq, hash } },
        tries: due.tries,
      }
    }
    head = await ports.ledger.head(task.stream)
  }
  return null
}

/** State of the policy file, for ticks only: an alarm's run has little time. */
function fileOf({ signal, policyFile }: RunTask): (RunTask["policyFile"] & {}) | null {
  return signal.kind === "tick" ? (policyFile ?? null) : null
}

/**
 * The entry that shows the subject of a notification; null if the claim's own entry shows it. A plan is only in the entry of its decision;
 * every other subject is in the state of any entry.
 */
function sourceEntry(
  { seq, hash, plan }: LedgerEntry,
  { state, planHash }: PendingAction,
): { seq: number; hash: string } | null {
  // These two subjects are not part of the state, so only the claim's entry shows them.
  if (state === "policy-refused" || state === "daily") return null
  return planHash === null || plan?.hash === planHash ? { seq, hash } : null
}

/** Number of newest entries that are searched for those of a closed attempt. */
const MAX_ENTRIES_BACK = 60

interface DueAt {
  head: LedgerEntry
  due: DueNotification
}

/** Adds requester, reason, price and order to the notification of a purchase, from the entries of its attempt. */
async function withPurchase(ports: Ports, task: RunTask, { head, due }: DueAt): Promise<PendingAction> {
  const { action } = due
  const { attempt: id } = action
  if (action.state !== "purchase" || id === null) return action
  const { attempt } = stateOf(head)
  const fromSeq = attempt?.id === id ? attempt.seq : Math.max(1, head.seq - MAX_ENTRIES_BACK)
  const entries: LedgerEntry[] = []
  for await (const entry of ports.ledger.read(task.stream, { fromSeq, toSeq: head.seq })) entries.push(entry)
  const purchase = purchaseMessage(entries, id)
  if (!purchase) return action
  return { ...action, says: sayPurchase(purchase), orderId: purchase.orderId, purchase }
}

function carriesHeads({ state }: Notification): boolean {
  return state === "purchase" || state === "daily"
}

async function deliver(ports: Ports, notify: Notifier, notification: Notification): Promise<Delivery> {
  const timeoutMs = Math.min(MAX_WAIT_MS, ports.timeLeftMs() - LEDGER_WRITE_MS)
  if (timeoutMs <= 0) return { ok: false, why: "too little time was left in the function" }
  // An error that a notifier throws against its contract may contain the address, so its message is not kept.
  return notify.send(notification, timeoutMs).catch(() => ({ ok: false, why: "the notifier itself failed" }))
}

/** Records a failed delivery, and the success of a notification that is sent once. Returns the newest entry. */
async function noteDelivery(
  ports: Ports,
  task: RunTask,
  { delivery, ...claim }: Claim & { delivery: Delivery },
): Promise<LedgerEntry | undefined> {
  const { mode } = claim.notification
  const ending = endingOf(claim, delivery)
  let { head }: { head: LedgerEntry | undefined } = claim
  for (let tries = 0; ending && head && tries < MAX_TRIES; tries++) {
    const { at } = head
    const note = observed(ports, task, head, { mode, observation: { ...aboutPeople(at), ...ending } })
    if ((await ports.ledger.append(note)) === "appended") return note
    head = await ports.ledger.head(task.stream)
  }
  return head
}

/** The observation to record about a delivery. null after a delivered notification of a lasting state: its claim is enough. */
function endingOf(
  { head, notification, tries }: Claim,
  delivery: Delivery,
): Pick<Observation, "kind" | "says" | "telling"> | null {
  const { about, state } = notification
  const entry = head.observation?.telling?.entry ?? { seq: head.seq, hash: head.hash }
  if (!delivery.ok) {
    const failed = { tries: tries + 1, to: delivery.failed ?? notification.to ?? [] }
    const says = `notification failed (${state}): ${delivery.why}`
    return { kind: "not-told", says, telling: { about, entry, failed } }
  }
  return isNotifiedOnce(state)
    ? {
        kind: "told",
        says: `every recipient accepted the notification (${state})`,
        telling: { about, entry },
      }
    : null
}

/** Fields of an observation that changes neither the attempt nor the servers. */
function aboutPeople(at: number): Omit<Observation, "kind" | "says"> {
  return { attempt: null, servers: [], present: null, at }
}

/** An entry under a new run id. A repeated signal returns the entries of its first run, and this entry must not be among them. */
function observed(
  ports: Ports,
  { stream, signal }: RunTask,
  head: LedgerEntry | undefined,
  fields: Pick<LedgerEntry, "mode"> & { observation: Observation },
): LedgerEntry {
  const { at } = fields.observation
  return nextEntry(stream, head, {
    ...fields,
    at,
    run: ports.newId(),
    writer: ports.newId(),
    kind: "observed",
    signal,
  })
}
