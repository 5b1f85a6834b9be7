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
import type { DoorName } from "../signals/read.ts"
import type { HttpRequest, WebhookResponse } from "../signals/webhooks/webhooks.ts"
import type { Credentials } from "./credentials.ts"
import type { RunFacts } from "./run-facts.ts"
import type { Settings } from "./settings.ts"

export type { DoorName }

/** Context of one invocation, in addition to its event. */
export interface Invocation {
  requestId: string
  remainingMs(): number
  /** Temporary keys of this invocation (FunctionGraph); `null` uses those of the settings or the secret. */
  credentials: Credentials | null
  /** Receives each result of a tick as soon as its run has ended. If set, `results` of a tick stays empty. */
  takeResult?(result: RunResult): void
}

export interface Handled extends RunsResult {
  /** Problems of the parts of a many-alarm event that could not be read. The other parts were handled. */
  problems: string[]
  /** Response to an event that was an HTTP request; otherwise `null`. */
  http: { status: number; body: unknown } | null
  /** True for a person's live request; false for an alarm, a tick or a dry run. */
  asksToBuy: boolean
}

export interface App {
  settings: Settings
  /** Policy file that the next event will use. */
  readonly policies: PolicyFile
  ledger: AuditedLedger
  cloud: Cloud
  /** Direct queries to Cloud Eye. `doctor` uses them to find out which series exist. */
  cloudEye: CloudEye
  /**
   * Problems that are visible in the text of the signing keys, such as quotes; empty if there are none. Only
   * a request shows whether the cloud accepts the keys. Throws SettingsError if there are no keys.
   */
  checkKeys(): Promise<string[]>
  /**
   * Handles one event and returns its results. A door should fail with the error that this throws:
   * RunsFailed, SignalError for an unreadable event, or SettingsError if there are no keys.
   */
  handle(event: unknown, door: DoorName, invocation: Invocation): Promise<Handled>
  /** Verifies the sender of a webhook's request and reads its signals. Starts no run. */
  receive(request: HttpRequest): Promise<WebhookResponse>
  /**
   * Reads the policy file again. Runs that have started keep the previous one. Throws PolicyError; then the
   * previous policy file stays in use.
   */
  reloadPolicy(): Promise<PolicyFile>
  /** Sends one test message to each recipient; the results have the order of the policy's list. */
  notifyTest(timeoutMs: number): Promise<TestDelivery[]>
  /** Runs each signal for every supernode that it concerns, or just for the one whose name is `only`. */
  runSignals(signals: Signal[], invocation: Invocation, mode?: RunMode, only?: string): Promise<RunsResult>
  close(): Promise<void>
}

/** Result of the test message to one recipient. */
export interface TestDelivery {
  /** Position in the policy's list and kind, such as `2 (feishu)`. Never contains the address. */
  to: string
  on: readonly NotifyTopic[]
  ok: boolean
  /** Reason for the failure; `null` if the recipient accepted the message. */
  why: string | null
}

export interface CloudEye {
  /** Fetches one page of the list of series that exist in one project. */
  list(place: CloudPlace, query: CloudEyeListQuery): Promise<Read<CloudEyePage>>
  query(place: CloudPlace, query: CloudEyeQuery): Promise<Read<CloudEyeSeries[]>>
}

export interface RunsResult {
  results: RunResult[]
  warnings: string[]
  /** Facts of each run, failed runs included, dry runs excluded. Metrics are computed from them. */
  facts: RunFacts[]
}

/** Some runs of an event failed. Carries the errors, and the results of the other runs. */
export class RunsFailed extends AggregateError {
  override readonly name = "RunsFailed"
  constructor(
    errors: unknown[],
    readonly results: RunResult[],
    /** Warnings of the event, followed by the problems of its unreadable parts. */
    readonly warnings: string[] = [],
    readonly facts: RunFacts[] = [],
  ) {
    super(errors, errors.map((error) => (error instanceof Error ? error.message : String(error))).join("; "))
  }
}
