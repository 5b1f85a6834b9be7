import { defineConfig } from "vitest/config"

// The tests that mutants of the money path must not survive: quick ones, without processes and packaging.
export default defineConfig({
  test: {
    include: [
      "test/run/**/*.test.ts",
      "test/decision/**/*.test.ts",
      "test/huawei/{live-scale-up-answers,rejections}.test.ts",
    ],
    env: { TZ: "UTC" },
  },
})
