// Loaded before what is measured: the process writes its own use of the processor to its stderr when it ends.
const { writeSync } = require("node:fs")
process.once("exit", () => {
  const { user, system } = process.cpuUsage()
  writeSync(2, `\ncpu ${(user + system) / 1000}`)
})
