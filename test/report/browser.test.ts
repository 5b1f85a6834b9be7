import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { describe, expect, it, onTestFinished } from "vitest"
import { reportOfLedger } from "../../functions/cli/report/from-ledger.ts"
import { reportOfSimulation } from "../../functions/cli/report/from-simulation.ts"
import { reportPage } from "../../functions/cli/report/html.ts"
import type { Report } from "../../functions/cli/report/report.ts"
import { NOW as SERVED_AT, ServeFixture } from "../serve/fixture.ts"
import { expectNoSideScroll, inked, newPage, openBrowser } from "./browser.ts"
import { busyAfter, FROM, ledgerOf, MINUTE, played } from "./world.ts"

// The page in a real browser: Debian's Chromium, driven by playwright-core. `npm run test:full` runs it.

const NOW = FROM + 400 * MINUTE
const DAY_MINUTES = 1_440

/** Writes a report into a folder of its own, and returns its file URL. */
async function onDisk(report: Report): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "report-"))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, "report.html")
  writeFileSync(file, (await reportPage(report, { refresh: null })).html)
  return pathToFileURL(file).href
}

const simulated = (results: Awaited<ReturnType<typeof played>>[]) =>
  reportOfSimulation({ results, now: NOW, version: "1.2.3", notes: [] })

describe("a report from disk", () => {
  it("a report opened from disk draws charts, shows a clicked marker's gates, filters rows, and uses no network", async (context) => {
    const browser = await openBrowser(context)
    const address = await onDisk(simulated([await played(busyAfter(30, 180))]))
    const { page, complaints, asked } = await newPage(browser)
    await page.goto(address)
    await page.locator(".plot canvas").nth(2).waitFor()
    for (const nth of [0, 1, 2]) expect(await inked(page, nth)).toBeGreaterThan(2_000)

    // The page shows the newest purchase first. A click on the first hold shows that hold.
    const chosen = page.locator(".chosen")
    expect(await chosen.locator(".badge").innerText()).toContain("purchase")
    const holds = page.locator(".marker.hold")
    await holds.first().click()
    expect(await chosen.innerText()).toContain("missing-data")
    expect(await chosen.locator(".findings tbody tr").count()).toBe(20)
    expect(await chosen.locator(".findings .did-not-pass").innerText()).toContain("evidence")

    // The arrow key selects the next decision in time, and its gates appear.
    await page.keyboard.press("ArrowRight")
    expect(await chosen.innerText()).toContain("not-breaching")
    await page.keyboard.press("End")
    await page.keyboard.press("Home")
    expect(await chosen.innerText()).toContain("missing-data")

    const rows = page.locator(".log tr.event")
    expect(await rows.count()).toBe(8)
    // Two decisions hold because of the cooldown. In two more the cooldown gate fails too.
    await page.getByLabel("Filter the table").fill("cooldown")
    expect(await rows.count()).toBe(4)
    await page.getByLabel("Filter the table").fill("")
    await page.locator(".chip.hold input").uncheck()
    expect(await rows.count()).toBe(2)
    await rows.first().locator("button").press("Enter")
    expect(await page.locator(".opened .findings tbody tr").count()).toBe(20)
    expect(await page.locator(".opened .findings").innerText()).toContain("npu-busy: 5 of 5 points above 85")

    const before = await page.locator(".timeline .range").innerText()
    await page.getByLabel("Show less, larger").click()
    expect(await page.locator(".timeline .range").innerText()).not.toBe(before)
    expect([complaints, asked]).toEqual([[], []])
  })

  it("a report opened from disk is light or dark as the system is, and has its own switch for this", async (context) => {
    const browser = await openBrowser(context)
    const address = await onDisk(simulated([await played(busyAfter(30, 60))]))
    const { page, complaints } = await newPage(browser, { colorScheme: "dark" })
    await page.goto(address)
    const background = () => page.evaluate("getComputedStyle(document.body).backgroundColor")
    const dark = await background()
    await page.getByRole("button", { name: "light" }).click()
    const light = await background()
    await page.getByRole("button", { name: "dark" }).click()
    expect([await background(), light === dark]).toEqual([dark, false])
    await page.emulateMedia({ colorScheme: "light" })
    await page.getByRole("button", { name: "auto" }).click()
    expect([await background(), complaints]).toEqual([light, []])
  })

  it("a report opened from disk fits a phone and shows HTML in ledger entries as text", async (context) => {
    const browser = await openBrowser(context)
    const { entries } = await played(busyAfter(30, 120))
    const why = `</script><img src=x onerror="document.title='broken'">${"w".repeat(150)}`
    const said = { verb: "pause" as const, supernode: null, why, by: "<b>ann</b>", until: null }
    const history = await ledgerOf(entries, said, FROM + 65 * MINUTE)
    const times = { now: NOW, since: null, until: null }
    const parts = { history, ledgerId: "ledger-1", title: "Ledger report", version: "1.2.3", notes: [] }
    const { page, complaints, asked } = await newPage(browser, { viewport: { width: 360, height: 740 } })
    await page.goto(await onDisk(reportOfLedger({ ...parts, ...times })))
    await page.locator(".plot canvas").first().waitFor()
    await expectNoSideScroll(page)
    const row = page.locator(".log tr.event.command")
    await row.locator("button").click()
    expect(await row.innerText()).toContain("<img src=x")
    await expectNoSideScroll(page)
    expect([await page.title(), await page.locator("img").count(), complaints, asked]).toEqual([
      "Ledger report",
      0,
      [],
      [],
    ])
  })

  it("a report opened from disk says that it has no load and no purchase if the ledger has none", async (context) => {
    const browser = await openBrowser(context)
    const history = await ledgerOf(
      [],
      { verb: "pause", supernode: null, why: "w", by: "ann", until: null },
      FROM,
    )
    const times = { now: NOW, since: null, until: null }
    const parts = { history, ledgerId: null, title: "Ledger report", version: "1.2.3", notes: [] }
    const { page, complaints } = await newPage(browser)
    await page.goto(await onDisk(reportOfLedger({ ...parts, ...times })))
    const words = await page.locator("figure .empty").allInnerTexts()
    expect(words).toEqual([
      "No entry in this period has read the servers.",
      "Nothing was bought, and the policy has no budget.",
    ])
    expect(complaints).toEqual([])
  })

  it("a report opened from disk draws two simulations of a year by the minute, from a page of less than 3 MB", async (context) => {
    const browser = await openBrowser(context)
    const year = Float64Array.from(
      { length: 365 * DAY_MINUTES },
      (_, i) => 45 + 30 * Math.sin(i / 229) + (i % 7),
    )
    const one = await played(year)
    const report = simulated([one, one])
    const { html } = await reportPage(report, { refresh: null })
    expect(html.length).toBeLessThan(3_000_000)
    const { page, complaints } = await newPage(browser)
    await page.goto(await onDisk(report))
    await page.locator(".plot canvas").nth(5).waitFor()
    expect(await page.locator(".chart .says").first().innerText()).toContain(
      "525,600 values, drawn as the lowest and highest",
    )
    expect(await page.locator(".marker").count()).toBeLessThan(400)
    expect(await page.locator(".log tr.event").count()).toBeLessThanOrEqual(50)
    expect(await page.locator(".comparison tbody tr").count()).toBe(2)
    await page.getByLabel("Filter the table").first().fill("breaching")
    await page.getByLabel("Show less, larger").click()
    expect(complaints).toEqual([])
  })
})

describe("the live page", () => {
  const TOKEN = "THE-METRICS-TOKEN"

  it("the live page requires a login, shows the ledger, and reads new entries without a token in a URL", async (context) => {
    const browser = await openBrowser(context)
    const fixture = await ServeFixture.open({ settings: { SUPERNODE_METRICS_TOKEN: TOKEN } })
    const served = await fixture.serve()
    const stranger = await newPage(browser)
    // Chromium was asked for a login and had none.
    await expect(stranger.page.goto(served.serving.url)).rejects.toThrow("ERR_INVALID_AUTH_CREDENTIALS")

    const httpCredentials = { username: "ann", password: TOKEN }
    const { page, complaints, asked } = await newPage(browser, { httpCredentials })
    await page.clock.install({ time: SERVED_AT })
    expect((await page.goto(served.serving.url))?.status()).toBe(200)
    expect(await page.locator(".marker").count()).toBeLessThan(2)
    await served.alert()
    fixture.pass(30_000)
    await served.told("ticked")
    await page.clock.fastForward(31_000)
    await page.locator(".marker.purchase").waitFor()
    expect(await page.locator(".live").innerText()).toContain("read")
    expect([complaints, [...new Set(asked)]]).toEqual([
      [],
      [`${served.serving.url}/`, `${served.serving.url}/report.json`],
    ])
  })
})
