import { bundleScript } from "../../processes/bundle.ts"
import { OwnProcess } from "../../processes/process.ts"

export interface CloudOptions {
  /** Metric value of every server. */
  load: number
  /** Id of the supernode about which the cloud never responds; `null` if there is none. */
  hanging: string | null
  /** Delay of each response. */
  delayMs: number
  /** Forgets all purchased servers. */
  forget?: boolean
}

export interface CloudSeen {
  /** Greatest number of connections open at the same time since the options were last set. */
  mostSockets: number
  requests: number
  purchases: number
  /** Number of orders of the supernode with the most. */
  mostOrdersOfOne: number
}

export type CloudAsked = { verb: "set"; options: Partial<CloudOptions> } | { verb: "seen" }

/** The cloud of a bench, in its own process. */
export class FleetCloud {
  readonly #process: OwnProcess

  private constructor(
    process: OwnProcess,
    readonly url: string,
  ) {
    this.#process = process
  }

  static async start(): Promise<FleetCloud> {
    const made = await bundleScript("test/bench/fleet/cloud-process.ts")
    const cloud = new OwnProcess(made.file, [], {})
    void cloud.ended.then(() => made.remove())
    return new FleetCloud(cloud, (await cloud.next()) as string)
  }

  set(options: Partial<CloudOptions>): Promise<CloudSeen> {
    return this.#ask({ verb: "set", options })
  }

  seen(): Promise<CloudSeen> {
    return this.#ask({ verb: "seen" })
  }

  async close(): Promise<void> {
    this.#process.signal("SIGKILL")
    await this.#process.ended
  }

  async #ask(asked: CloudAsked): Promise<CloudSeen> {
    this.#process.tell(JSON.stringify(asked))
    return (await this.#process.next()) as CloudSeen
  }
}
