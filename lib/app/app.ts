import type {
  CloudEyeListQuery,
  CloudEyePage,
  CloudEyeQuery,
  CloudEyeSeries,
  CloudPlace,
} from "../cloud-eye.ts"
import type { Signal } from "../decision/inputs/signal.ts"
import type { NotifyTopic } from "../decision/policy/notify.ts"
import type { RunMode } from "../decision/situation.ts"
import type { AuditedLedger } from "../ledger/open.ts"
import type { PolicyFile } from "../policy-file/load.ts"
import type { Cloud, Read } from "../ports.ts"
import type { RunResult } from "../run/result.ts"
import type { HttpRequest, WebhookAnswer } from "../signals/webhooks/webhooks.ts"
import type { Credentials } from "./credentials.ts"
import type { RunFacts } from "./run-facts.ts"
import type { Settings } from "./settings.ts"

export type DoorName = "alarm" | "schedule" | "manual" | "any"

/** Facts of one invocation besides its event. */
export interface Invocation {
  requestId: string
  remainingMs(): number
  /** Temporary keys of this invocation (FunctionGraph); null: from the settings or the secret. */
  credentials: Credentials | null
  /** Takes each result of a tick as soon as its run has ended; then none is kept, and `results` stays empty. */
  takeResult?(result: RunResult): void
}

export interface Handled extends Ran {
  /** Parts of a many-alarm event that could not be read; the rest was handled. */
  problems: string[]
  /** The event was an HTTP request, and this is its answer. */
  http: { status: number; body: unknown } | null
  /** The event was a person's request to buy, not an alarm, a tick or a dry run. */
  asksToBuy: boolean
}

export interface App {
  settings: Settings
  /** Those that the next event is handled by. */
  readonly policies: PolicyFile
  ledger: AuditedLedger
  cloud: Cloud
  /** Cloud Eye as it is asked, for who looks what it knows. */
  cloudEye: CloudEye
  /**
   * Problems that the keys to sign with show by themselves, such as quotes; empty: none. Only a read shows whether the
   * cloud accepts them. Throws SettingsError if there are no keys.
   */
  checkKeys(): Promise<string[]>
  /** One event, from a door to its results. Throws what the door should end with; see RunsFailed. */
  handle(event: unknown, door: DoorName, invocation: Invocation): Promise<Handled>
  /** A webhook's request as far as its signals: who sent it is checked, and nothing is run yet. */
  receive(request: HttpRequest): Promise<WebhookAnswer>
  /** Reads the policy file anew; runs that began keep theirs. Throws PolicyError, and then everything stays as it was. */
  reloadPolicy(): Promise<PolicyFile>
  /** Sends one test message to each recipient of the policy, in its order. */
  notifyTest(timeoutMs: number): Promise<TestDelivery[]>
  /** Signals past their door: each run for every supernode that it concerns, or for the one of that name `only`. */
  runSignals(signals: Signal[], invocation: Invocation, mode?: RunMode, only?: string): Promise<Ran>
  close(): Promise<void>
}

/** Result of the test message to one recipient. */
export interface TestDelivery {
  /** `2 (feishu)`: its place in the policy's list and its kind; never its address. */
  to: string
  on: readonly NotifyTopic[]
  ok: boolean
  /** Why not; null where it was taken. */
  why: string | null
}

export interface CloudEye {
  /** One page of the series that it knows in one project. */
  list(place: CloudPlace, query: CloudEyeListQuery): Promise<Read<CloudEyePage>>
  query(place: CloudPlace, query: CloudEyeQuery): Promise<Read<CloudEyeSeries[]>>
}

export interface Ran {
  results: RunResult[]
  warnings: string[]
  /** One for each run that was no dry run, a failed one included: what metrics are made of. */
  facts: RunFacts[]
}

/** Some runs of an event failed; it keeps the results of the others and their warnings. */
export class RunsFailed extends AggregateError {
  override readonly name = "RunsFailed"
  constructor(
    errors: unknown[],
    readonly results: RunResult[],
    /** The event's warnings, and its parts that could not be read. */
    readonly warnings: string[] = [],
    readonly facts: RunFacts[] = [],
  ) {
    super(errors, errors.map((error) => (error instanceof Error ? error.message : String(error))).join("; "))
  }
}
