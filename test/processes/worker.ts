import { makeHandler } from "../../functions/door.ts"
import type { DoorName } from "../../lib/app/app.ts"
import { startApp, systemClock } from "../../lib/app/start.ts"
import { deliverFrom } from "./deliver.ts"
import { HandoverRecorder } from "./handover.ts"
import { roam } from "./roam.ts"

// One of many hosts, in its own process. Arguments: `HANDOVERS deliver FILE LANES`, or `HANDOVERS roam
// SUPERNODES BEAT_MS`.

const [handovers = "", task, ...args] = process.argv.slice(2)
/** Every purchase is recorded in `handovers` before its first byte leaves. */
const { clock } = new HandoverRecorder(handovers, systemClock)
/** Makes a door as functions/alarm.ts and its neighbours do, except for the clock. */
const door = (name: DoorName) => makeHandler(name, (settings) => startApp(settings, { clock }))
const doors = { alarm: door("alarm"), schedule: door("schedule"), manual: door("manual") }

process.once("disconnect", () => process.exit())
const [first = "", second = "1"] = args
if (task === "deliver") deliverFrom(first, { doors, lanes: Number(second) })
process.send?.("ready")
if (task === "roam") {
  await roam(doors, { supernodes: Number(first), beatMs: Number(second) })
  process.exit()
}
