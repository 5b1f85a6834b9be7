import { readSettings } from "../../../lib/app/settings.ts"
import { startApp, systemClock } from "../../../lib/app/start.ts"
import { startServing } from "../../../lib/serve/serve.ts"

// `serve` without its command line. The argument is the cron expression of its ticks. It sends a message for
// each ended tick.

const [cron = ""] = process.argv.slice(2)
const app = await startApp(readSettings((name) => process.env[name], Object.keys(process.env)))
process.once("disconnect", () => process.exit())
const serving = await startServing({
  app,
  host: "127.0.0.1",
  port: 0,
  cron,
  version: "bench",
  // The live page is not measured.
  page: { page: async () => ({ html: "", policy: "" }), data: async () => null },
  clock: systemClock,
  emit: (event) => {
    if (event.kind === "ticked") process.send?.({ tookMs: event.tookMs })
  },
})
process.send?.({ url: serving.url })
