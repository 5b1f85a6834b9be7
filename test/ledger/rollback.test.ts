import { expect, test } from "vitest"
import { ledgerOver } from "../../lib/ledger/chain.ts"
import { commandAll } from "../../lib/ledger/commands.ts"
import { openMemoryStore } from "../../lib/ledger/memory.ts"
import { LedgerBehindError } from "../../lib/ports.ts"
import { clockAt } from "../world/clock.ts"
import { ExchangeableStore } from "../world/exchangeable-store.ts"
import { chainOf, entryAfter, rawOf, STREAM } from "./entries.ts"
import { initialised } from "./initialised.ts"

const AT = 1_750_000_000_000

class RollbackStore extends ExchangeableStore {
  /** Replaces the store by a new one with these entries. */
  async exchange(entries: ReturnType<typeof chainOf>): Promise<void> {
    this.store = openMemoryStore()
    await initialised(ledgerOver(this.store), AT)
    for (const entry of entries) await this.store.append(entry.stream, rawOf(entry))
  }
}

test.each<[string, (chain: ReturnType<typeof chainOf>) => ReturnType<typeof chainOf>]>([
  ["ends before the newest entry that the process saw", (chain) => chain.slice(0, 2)],
  ["has lost all entries", () => []],
  [
    "has another entry at the newest seq that the process saw",
    (chain) => [...chain.slice(0, 2), entryAfter(chain[1], { run: "another" })],
  ],
  [
    "diverged and is one entry longer than when the process read it",
    (chain) => {
      const third = entryAfter(chain[1], { run: "another" })
      return [...chain.slice(0, 2), third, entryAfter(third)]
    },
  ],
  [
    "diverged and is two entries longer than when the process read it",
    (chain) => {
      const third = entryAfter(chain[1], { run: "another" })
      const fourth = entryAfter(third)
      return [...chain.slice(0, 2), third, fourth, entryAfter(fourth)]
    },
  ],
])("a process refuses a ledger that %s, until an operator records a restore", async (_, now) => {
  const place = new RollbackStore()
  const chain = chainOf(3)
  await place.exchange(chain)
  const ledger = ledgerOver(place)
  await ledger.head("control")
  expect(await ledger.head(STREAM)).toEqual(chain.at(-1))

  const shown = now(chain)
  await place.exchange(shown)
  await expect(ledger.head(STREAM)).rejects.toThrow(LedgerBehindError)
  await expect(ledger.head(STREAM)).rejects.toThrow(/rolled back or replaced: this process saw entry #3 of/)

  const ports = {
    clock: clockAt(AT),
    newId: () => "id",
  }
  await commandAll(
    { ...ports, ledger: ledgerOver(place.store) },
    { verb: "restored", why: "backup", by: "ann" },
  )
  expect(await ledger.head(STREAM)).toEqual(shown.at(-1))
})

test("a process refuses a backup from before the newest restore that it saw, even if the backup holds an older restore", async () => {
  const place = new RollbackStore()
  const chain = chainOf(3)
  const restore = (at: number) =>
    commandAll(
      {
        clock: clockAt(at),
        newId: () => `id-${at}`,
        ledger: ledgerOver(place.store),
      },
      { verb: "restored", why: "backup", by: "ann" },
    )
  const ledger = ledgerOver(place)
  await place.exchange(chain)
  await restore(AT + 2)
  await ledger.head("control")
  expect(await ledger.head(STREAM)).toEqual(chain.at(-1))

  await place.exchange(chain.slice(0, 2))
  await restore(AT + 1)
  await expect(ledger.head(STREAM)).rejects.toThrow(LedgerBehindError)
  await expect(ledger.head("control")).rejects.toThrow(LedgerBehindError)
})

test("a read that arrives late with an older entry than a concurrent read is not a rollback", async () => {
  const place = new RollbackStore()
  await place.exchange(chainOf(1))
  const [first] = chainOf(1)
  await place.exchange(first ? [first] : [])
  let letGo = (): void => undefined
  const held = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const ledger = ledgerOver({
    ...place,
    head: async (stream) => {
      const head = await place.store.head(stream)
      if (head?.seq === 1) await held
      return head
    },
  })
  const late = ledger.head(STREAM)
  await new Promise(setImmediate)
  await ledgerOver(place.store).append(entryAfter(first))
  expect((await ledger.head(STREAM))?.seq).toBe(2)
  letGo()
  expect((await late)?.seq).toBe(1)
})
