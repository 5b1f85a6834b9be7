import * as z from "zod"
import { operations } from "../api/route.ts"
import { failureSchema } from "../failures.ts"
import { loadSettings } from "./load-settings.ts"

// Input of the sandbox, in-process and over /sandbox/…: one schema for both.

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const uuid = z.string().regex(UUID, { error: "must be a lower-case UUID" })
const flavor = z.string().regex(/^[A-Za-z0-9._-]{1,128}$/, { error: "must be a flavor name" })
const serverCount = z.int().min(1).max(48)

const offer = z.strictObject({
  flavor,
  /** Total servers of a supernode with this flavor; more than 48 may be offered but not bought. */
  servers: z.int().min(1).max(1000),
  soldOut: z.boolean().default(false),
})

const uniqueOffers = z
  .array(offer)
  .refine((offers) => new Set(offers.map((one) => one.flavor)).size === offers.length, {
    error: "must name each flavor once",
  })

/** Initial state of a supernode. */
export const supernodeOptions = z.strictObject({
  id: uuid,
  name: z.string().regex(/^[-_.a-zA-Z0-9]{1,64}$/, { error: "must be 1 to 64 letters, digits or -_." }),
  region: z.string().default("cn-southwest-2"),
  projectId: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, { error: "must be 1 to 64 letters, digits or hyphens" }),
  /** The flavor of one server. */
  nodeFlavor: flavor.default("kat3ne-8.48xlarge.8.800t.matrix"),
  offers: uniqueOffers,
  /** Servers at the start, all RUNNING. */
  servers: serverCount,
  /** Creation time of these servers, epoch milliseconds. Defaults to 30 days ago. */
  createdAt: z.int().optional(),
  /**
   * `hps_ecs_id` of the first servers, which Cloud Eye calls `instance_id`. For the other servers it is
   * derived from the supernode's id.
   */
  instanceIds: z.array(uuid).default([]),
  /** Number of cards per server that also report to Cloud Eye, with a second dimension `npu`. */
  npus: z.int().min(0).max(64).default(0),
  load: loadSettings.optional(),
})

export const sandboxOptions = z.strictObject({
  port: z.int().min(0).max(65_535).default(0),
  /** Loopback only: the admin side is unsigned. */
  host: z.literal("127.0.0.1").default("127.0.0.1"),
  now: z.custom<() => number>((given) => typeof given === "function").optional(),
  sleep: z
    .custom<(ms: number, signal: AbortSignal) => Promise<void>>((given) => typeof given === "function")
    .optional(),
  accessKeys: z
    .array(
      z.strictObject({
        ak: z.string().min(1),
        sk: z.string().min(1),
        securityToken: z.string().min(1).optional(),
      }),
    )
    .min(1)
    .optional(),
  supernodes: z
    .array(supernodeOptions)
    .refine((all) => new Set(all.map((one) => one.id)).size === all.length, {
      error: "must not repeat an id",
    })
    .refine((all) => new Set(all.map((one) => one.name)).size === all.length, {
      error: "must not repeat a name",
    })
    .optional(),
  provisioningMs: z.int().min(0).default(30_000),
})

export type SandboxSupernode = z.input<typeof supernodeOptions>

const milliseconds = z
  .int()
  .min(0)
  .max(366 * 86_400_000)
/** By id or name; required only if there are several. */
const supernode = z.string().optional()

export const adminBodies = {
  load: loadSettings.safeExtend({ supernode }),
  offers: z.union(
    [
      z.strictObject({ supernode, flavor, soldOut: z.boolean() }),
      z.strictObject({ supernode, offers: uniqueOffers }),
    ],
    {
      error:
        "must be { flavor, soldOut, supernode? } or { offers: [{ flavor, servers, soldOut? }], supernode? }",
    },
  ),
  failures: z.strictObject({
    operation: z.enum(operations),
    failure: failureSchema,
    times: z.int().min(1).max(1_000_000).default(1),
  }),
  clock: z.strictObject({ advanceMs: milliseconds }),
  /**
   * A status of a supernode or a server, by id or name. Unknown statuses are allowed, since the cloud may add
   * new ones, too.
   */
  status: z.strictObject({ of: z.string(), status: z.string().min(1).max(64) }),
  servers: z.strictObject({ supernode, count: serverCount }),
  traces: z.strictObject({
    isEnabled: z.boolean().optional(),
    delayMs: milliseconds.optional(),
    pageSize: z.int().min(1).max(200).optional(),
  }),
  payment: z.strictObject({
    status: z.int(),
    amount: z.number().min(0).nullable().default(null),
    currency: z.string().default("CNY"),
  }),
}
