import type { NotifyTopic } from "../policy/notify.ts"
import { BLIND_TICKS } from "../state/blindness.ts"
import { getOwn } from "../state/get-own.ts"
import type { NotificationRecord } from "../state/observation.ts"
import type { Purchase } from "../state/purchases.ts"
import type { SupernodeState } from "../state/state.ts"
import { sayTime } from "../verdict.ts"
import { operatorCommand } from "./operator-command.ts"
import { orderTrouble } from "./order.ts"
import {
  isNotifiedOnce,
  NOTIFY_AGAIN_MS,
  type NotifiedState,
  type PendingAction,
  type PendingActionFacts,
  pendingAction,
  topicOf,
} from "./pending-action.ts"

// Notifications that are due now, from the state of one chain. Pure; recipients are not part of the state.

export interface NotificationFacts extends PendingActionFacts {
  /** True if a recipient wants this topic. */
  wants(topic: NotifyTopic): boolean
  /** State of the whole policy file; `null` unless this run is a tick of the file's first supernode. */
  file: PolicyFileState | null
}

/**
 * State of the policy file. Its notifications go through the chain of the first supernode, so that one worker
 * sends them.
 */
export interface PolicyFileState {
  /** A newer file that was refused, so that the previous one stays active; `null` if there is none. */
  refused: { says: string; since: number } | null
}

/**
 * A notification to send. `to`: labels of the recipients that an earlier try missed; `null` for all that want
 * its topic.
 */
export interface DueNotification {
  action: PendingAction
  to: readonly string[] | null
  /** Number of failed tries. */
  tries: number
}

const DAY_MS = 86_400_000
/** Maximum age of a purchase to notify of: a webhook may be down over a weekend. */
const PURCHASE_NEWS_MS = 3 * DAY_MS
/** Maximum number of purchases to notify of: the state keeps only a limited number of notifications. */
const MAX_PURCHASE_NEWS = 4
/** Time after which a try without a recorded result counts as lost: its worker may have stopped. */
const LOST_TRY_MS = 600_000
/** Pause after the first failed try; it doubles up to one hour. */
const RETRY_MS = 300_000

/** Interval between notifications of a lasting state, milliseconds; `null` if it is notified once. */
function repeatMs(state: NotifiedState): number | null {
  if (isNotifiedOnce(state)) return null
  return state === "policy-refused" || state === "daily" ? DAY_MS : NOTIFY_AGAIN_MS
}

/** All notifications that are due, the most urgent first. */
export function dueNotifications(facts: NotificationFacts): DueNotification[] {
  return candidates(facts)
    .filter(({ state }) => facts.wants(topicOf(state)))
    .flatMap((action) => {
      const record = getOwn(facts.state.told ?? {}, action.about)
      if (record && !isDue(record, { now: facts.now, state: action.state })) return []
      return [{ action, to: record?.failed?.to ?? null, tries: record?.failed?.tries ?? 0 }]
    })
}

function isDue(record: NotificationRecord, { now, state }: { now: number; state: NotifiedState }): boolean {
  // A time far ahead was written by a wrong clock that has been corrected since. It must not suppress
  // notifications until that time.
  const passedMs = Math.abs(now - record.at)
  if (record.failed) return passedMs >= Math.min(RETRY_MS * 2 ** (record.failed.tries - 1), NOTIFY_AGAIN_MS)
  const again = repeatMs(state)
  if (again !== null) return passedMs >= again
  return record.delivered !== true && passedMs >= LOST_TRY_MS
}

function candidates(facts: NotificationFacts): PendingAction[] {
  const pending = pendingAction(facts)
  return [
    ...(pending ? [pending] : []),
    ...purchasesOf(facts.state, facts.now).map((purchase) => purchaseAction(facts.name, purchase)),
    ...orderActions(facts),
    ...blindSourceActions(facts),
    ...policyFileActions(facts),
  ]
}

const NOTHING = { attempt: null, orderId: null, planHash: null }

/** Booked purchases that are recent enough to notify of, oldest first. */
function purchasesOf({ purchases }: SupernodeState, now: number): Purchase[] {
  return purchases
    .filter(({ state, at }) => state === "booked" && Math.abs(now - at) <= PURCHASE_NEWS_MS)
    .slice(-MAX_PURCHASE_NEWS)
}

function purchaseAction(name: string, { attempt, at }: Purchase): PendingAction {
  return {
    ...NOTHING,
    state: "purchase",
    about: `purchase ${attempt}`,
    says: `the cloud accepted the purchase of ${sayTime(at)} (attempt ${attempt})`,
    todo: operatorCommand.status(name),
    since: at,
    attempt,
  }
}

function orderActions({ name, state: { order }, now }: NotificationFacts): PendingAction[] {
  const trouble = order && orderTrouble(order, now)
  if (!order || !trouble) return []
  const { attempt, orderId, at, status } = order
  return [
    {
      state: trouble.state,
      about: `${trouble.state} ${orderId} ${status}`,
      says: trouble.says,
      todo: trouble.state === "order-unreadable" ? operatorCommand.doctorAll : operatorCommand.status(name),
      since: at,
      attempt,
      orderId,
      planHash: null,
    },
  ]
}

function blindSourceActions({ state }: NotificationFacts): PendingAction[] {
  return Object.entries(state.blind ?? {})
    .filter(([, { ticks }]) => ticks >= BLIND_TICKS)
    .map(([source, { since, why }]) => ({
      ...NOTHING,
      state: "blind",
      about: `blind ${source}`,
      says: `source ${source} has had no data since the tick of ${sayTime(since)}: ${why}. ${sayBlindness(source)}`,
      todo: operatorCommand.doctorAll,
      since,
    }))
}

function sayBlindness(source: string): string {
  return source === "supernode"
    ? "Nothing can be bought while the supernode cannot be read"
    : "Load that only this source measures cannot lead to a purchase"
}

function policyFileActions({ file, now }: NotificationFacts): PendingAction[] {
  if (!file) return []
  const daily: PendingAction = {
    ...NOTHING,
    state: "daily",
    about: "daily",
    says: `supernode-autoscaler ran at ${sayTime(now)}`,
    todo: operatorCommand.auditVerify,
    since: now,
  }
  if (!file.refused) return [daily]
  const refused: PendingAction = {
    ...NOTHING,
    state: "policy-refused",
    about: `policy-refused ${file.refused.since}`,
    says: `the policy file read at ${sayTime(file.refused.since)} was refused, and the previous file stays active: ${file.refused.says}`,
    todo: operatorCommand.validate,
    since: file.refused.since,
  }
  return [refused, daily]
}
