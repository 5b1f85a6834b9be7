import type * as z from "zod"
import type { Operation } from "../api/route.ts"
import { supernodeBody } from "../api/view.ts"
import { type Failure, type FailureQueue, failureSchema } from "../failures.ts"
import { orderIdOf, uuidOf } from "../world/identity.ts"
import { type LoadSettings, loadSettings } from "../world/load-settings.ts"
import { adminBodies } from "../world/options.ts"
import { parseOrThrow, SandboxError } from "../world/problem.ts"
import { addServer, changeStatus, type LiveSupernode } from "../world/supernode.ts"
import {
  findServer,
  type Payment,
  pickSupernode,
  type SandboxOrder,
  settleAll,
  trace,
  type World,
} from "../world/world.ts"

type Offers = z.input<typeof adminBodies.offers>

/** Controls of the sandbox outside of the cloud's API. All throw `SandboxError` on invalid input. */
export interface Controls {
  /** Epoch milliseconds of the sandbox's clock. */
  now(): number
  /** Advances the clock; servers whose provisioning is over become RUNNING. Returns the new time. */
  advance(ms: number): number
  state(): SandboxState
  /**
   * Replaces the load, also in the past. A number is the percentage on each server. `supernode`: id or name.
   */
  setLoad(load: number | LoadSettings, supernode?: string): void
  /** Applies to all supernodes that have the flavor on offer. */
  setSoldOut(flavor: string, soldOut: boolean, supernode?: string): void
  /** Replaces the flavors that a supernode may be scaled to. */
  setOffers(offers: Extract<Offers, { offers: unknown }>["offers"], supernode?: string): void
  /**
   * Sets the status of a supernode or a server, by id or name. A server then keeps the status: with
   * `CREATING` it never becomes RUNNING.
   */
  setStatus(of: string, status: string): void
  /** Sets the billing state of every order from now on. */
  setPayment(payment: Payment): void
  /** Sets whether CTS records live-scale-ups, its delay in listing them, and its page size. */
  setTracing(tracing: z.input<typeof adminBodies.traces>): void
  /** Adds servers that were ordered by hand: RUNNING at once, not in `orders`. Returns their ids. */
  addServers(count: number, supernode?: string): string[]
  /**
   * Makes the next `times` requests for that operation fail. Failures of one operation occur in the order of
   * these calls.
   */
  failNext(operation: Operation, failure: Failure, times?: number): void
  clearFailures(): void
}

/** The whole state, as GET /sandbox/state shows it. */
export interface SandboxState {
  now: number
  /** Supernodes as the cloud's API shows them. */
  supernodes: Record<string, unknown>[]
  /** By supernode id. */
  offers: Record<string, { flavor: string; servers: number; soldOut: boolean }[]>
  orders: SandboxOrder[]
}

export function controlsOf(world: World, failures: FailureQueue): Controls {
  const now = (): number => world.clock.now()
  return {
    now,
    advance: (ms) => {
      const { advanceMs } = parseOrThrow(adminBodies.clock, { advanceMs: ms })
      const then = world.clock.advance(advanceMs)
      settleAll(world)
      return then
    },
    state: () => sandboxState(world),
    setLoad: (load, supernode) => setLoad(world, { load, supernode }),
    setSoldOut: (flavor, soldOut, supernode) => setSoldOut(world, { flavor, soldOut, supernode }),
    setOffers: (offers, supernode) => {
      const parsed = parseOrThrow(adminBodies.offers, { offers })
      if ("offers" in parsed) pickSupernode(world, supernode).offers = parsed.offers
    },
    setStatus: (of, status) => setStatus(world, parseOrThrow(adminBodies.status, { of, status })),
    setPayment: (payment) => {
      world.payment = parseOrThrow(adminBodies.payment, payment)
    },
    setTracing: (tracing) => {
      const { isEnabled, delayMs, pageSize } = parseOrThrow(adminBodies.traces, tracing)
      const before = world.tracing
      world.tracing = {
        isEnabled: isEnabled ?? before.isEnabled,
        delayMs: delayMs ?? before.delayMs,
        pageSize: pageSize ?? before.pageSize,
      }
    },
    addServers: (count, supernode) =>
      addByHand(world, parseOrThrow(adminBodies.servers, { count, supernode })),
    failNext: (operation, failure, times = 1) => {
      const parsed = parseOrThrow(adminBodies.failures, { operation, failure, times })
      failures.add(parsed.operation, parseOrThrow(failureSchema, failure), parsed.times)
    },
    clearFailures: () => failures.clear(),
  }
}

function sandboxState(world: World): SandboxState {
  settleAll(world)
  return structuredClone({
    now: world.clock.now(),
    supernodes: world.supernodes.map(supernodeBody),
    offers: Object.fromEntries(world.supernodes.map((supernode) => [supernode.id, supernode.offers])),
    orders: world.orders,
  })
}

/** A server, or a card of it as `SERVER/CARD`. */
function reports(supernode: LiveSupernode, name: string): boolean {
  const [server = "", card, ...more] = name.split("/")
  const isCard = card !== undefined && /^(0|[1-9]\d*)$/.test(card) && Number(card) < supernode.npus
  return findServer(supernode, server) !== undefined && more.length === 0 && (card === undefined || isCard)
}

function setLoad(
  world: World,
  { load, supernode: name }: { load: number | LoadSettings; supernode: string | undefined },
): void {
  const settings = parseOrThrow(loadSettings, typeof load === "number" ? { load } : load)
  const supernode = pickSupernode(world, name)
  const strangers = [...Object.keys(settings.servers), ...settings.silent].filter(
    (one) => !reports(supernode, one),
  )
  if (strangers.length > 0)
    throw new SandboxError(strangers.map((one) => `servers: ${supernode.name} has no server ${one}`))
  supernode.load = { ...settings, setAt: world.clock.now() }
}

function setSoldOut(
  world: World,
  { flavor, soldOut, supernode }: { flavor: string; soldOut: boolean; supernode: string | undefined },
): void {
  const among = supernode === undefined ? world.supernodes : [pickSupernode(world, supernode)]
  const offers = among.flatMap((one) => one.offers).filter((offer) => offer.flavor === flavor)
  if (offers.length === 0) throw new SandboxError([`flavor: ${flavor} is not on offer`])
  for (const offer of offers) offer.soldOut = soldOut
}

function setStatus(world: World, { of, status }: { of: string; status: string }): void {
  settleAll(world)
  const at = world.clock.now()
  for (const supernode of world.supernodes) {
    const server = findServer(supernode, of)
    if (server) changeStatus(server, { status, at })
    if ([supernode.id, supernode.name].includes(of)) supernode.status = status
    else if (!server) continue
    supernode.updateAt = at
    return
  }
  throw new SandboxError([`of: ${of} is neither a supernode nor a server here`])
}

function addByHand(
  world: World,
  { count, supernode: name }: { count: number; supernode?: string | undefined },
): string[] {
  const supernode: LiveSupernode = pickSupernode(world, name)
  const at = world.clock.now()
  const order = {
    at,
    orderId: orderIdOf(at, 0),
    imageId: uuidOf(supernode.id, "image"),
    keyPairName: "KeyPair-sandbox",
    volumes: [],
    readyAt: null,
  }
  const byHand = { user: "console-user", source: "ConsoleAction", requestId: uuidOf(at, "by-hand") } as const
  trace(world, { ...byHand, supernode, status: 200, flavor: null })
  return Array.from({ length: count }, () => addServer(supernode, order).id)
}
