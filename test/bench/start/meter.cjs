// Loaded before the measured code. At its end, the process writes its processor time to stderr, in
// milliseconds.
const { writeSync } = require("node:fs")
process.once("exit", () => {
  const { user, system } = process.cpuUsage()
  writeSync(2, `\ncpu ${(user + system) / 1000}`)
})
