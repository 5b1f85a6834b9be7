import { availableParallelism } from "node:os"
import { configDefaults, defineConfig } from "vitest/config"
import { IS_FULL } from "./test/full.ts"
import LongestFirst from "./test/longest-first.ts"

/** The soak waits for minutes of real time, and the duel compares patterns: it is a bench. */
const FULL_ONLY = ["test/processes/soak.test.ts", "test/bench/duel/**"]

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...(IS_FULL ? [] : FULL_ONLY)],
    globalSetup: "./test/build-once.ts",
    sequence: { sequencer: LongestFirst },
    reporters: ["default", "./test/reporter.ts"],
    // Nothing here mocks a module, so files may share a process: that is a third of the time.
    isolate: false,
    // Some files wait for other processes; one worker more than cores uses that time.
    maxWorkers: availableParallelism() + 1,
    // By default vitest cuts a value in a title at 40 characters.
    chaiConfig: { truncateThreshold: 0 },
    // They only end what hangs. On a machine with a load of 40, the 120 simulated lives took more than four minutes.
    testTimeout: 1_200_000,
    hookTimeout: 1_200_000,
    // Amazon's clients would warn of the Node.js version in each test process.
    env: { TZ: "UTC", AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
    coverage: {
      provider: "v8",
      include: ["lib/**/*.ts", "functions/**/*.ts"],
      reporter: ["text", "json-summary"],
    },
  },
})
