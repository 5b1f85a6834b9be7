import { configDefaults, defineConfig } from "vitest/config"
import { IS_FULL } from "./test/full.ts"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // The soak waits for minutes of real time.
    exclude: [...configDefaults.exclude, ...(IS_FULL ? [] : ["test/soak/**"])],
    reporters: ["default", "./test/reporter.ts"],
    // Nothing here mocks a module, so files may share a process: that is a third of the time. And every core has work.
    isolate: false,
    maxWorkers: "100%",
    // They are there for what hangs; on a busy machine storms and hunts take minutes.
    testTimeout: 240_000,
    hookTimeout: 120_000,
    // An Amazon client's word about Node.js versions is no test's business.
    env: { TZ: "UTC", AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
    coverage: {
      provider: "v8",
      include: ["lib/**/*.ts", "functions/**/*.ts"],
      reporter: ["text", "json-summary"],
    },
  },
})
