// The import rules of docs/architecture.md as a table. A file under lib/ or functions/ that no row names is
// itself a violation. So a new room gets its row, and a sentence about it, on the day it is made.

export interface ImportRule {
  /** A file, or a folder with a slash at its end. The longest entry that covers a file is the file's rule. */
  files: string
  /** Our files and folders that it may import, besides its own folder. */
  ours: readonly string[]
  /** Packages that it may import. "any" allows all but those of `FENCED` outside their folder. */
  packages: readonly string[] | "any"
  builtins: boolean
  /** Allows `import(name)` with a name that is known only at run time. */
  mayCompute?: true
  /** Must give the same result for the same input: no clock, randomness, environment, network or output. */
  pure: boolean
}

/** Rooms that talk to something foreign. They do not import each other. */
const ROOMS = ["signals", "metrics", "huawei", "ledger", "sandbox", "policy-file", "notify"] as const
/** The words of Cloud Eye's requests and responses, which two rooms share. */
const CLOUD_EYE = "lib/cloud-eye.ts"
const SPEAKS_OF_CLOUD_EYE: Partial<Record<(typeof ROOMS)[number], string[]>> = {
  metrics: [CLOUD_EYE],
  huawei: [CLOUD_EYE],
}
const SSH_SIGNATURE = "lib/ssh-signature/"
const LEDGER_ENTRY = "lib/ledger/entry.ts"
const LEDGER_NEXT_ENTRY = "lib/ledger/next-entry.ts"

/** The folders of lib/decision, lowest first. Each may import those before it. */
const DECISION_LAYERS = [
  "inputs",
  "policy",
  "schedule",
  "state",
  "money",
  "pacing",
  "evidence",
  "ladder",
  "gates",
  "transitions",
  "explain",
] as const
/** The types that `decide` works on. Layers above `state` may import them. No layer may import decide.ts. */
const DECISION_WORDS = ["decision", "plan", "situation", "verdict"].map((name) => `lib/decision/${name}.ts`)

const outward = { packages: "any", builtins: true, pure: false } as const
const inward = { packages: ["zod"], builtins: false, pure: false } as const
const pure = { packages: ["zod", "date-fns", "@date-fns/tz"], builtins: false, pure: true } as const

export const RULES: readonly ImportRule[] = [
  { files: "lib/decision/", ours: ["lib/on-first-use.ts"], ...pure },
  ...DECISION_LAYERS.map((layer, nth) => ({
    files: `lib/decision/${layer}/`,
    ours: [
      "lib/on-first-use.ts",
      ...DECISION_LAYERS.slice(0, nth).map((lower) => `lib/decision/${lower}/`),
      ...(nth > DECISION_LAYERS.indexOf("state") ? DECISION_WORDS : []),
    ],
    ...pure,
  })),
  ...ROOMS.map((room) => ({
    files: `lib/${room}/`,
    ours: [
      "lib/decision/",
      "lib/ports.ts",
      "lib/digest.ts",
      "lib/on-first-use.ts",
      "lib/http/",
      "lib/turns.ts",
      "lib/zlib.ts",
      ...(SPEAKS_OF_CLOUD_EYE[room] ?? []),
    ],
    ...outward,
  })),
  { files: CLOUD_EYE, ours: ["lib/decision/"], ...inward },
  {
    files: "lib/policy-file/approvers.ts",
    ours: ["lib/policy-file/", "lib/decision/", SSH_SIGNATURE],
    ...outward,
  },
  // How requests leave this machine: proxies, and the body of a response. It knows no foreign system.
  {
    files: "lib/http/",
    ours: ["lib/decision/policy/secure-address.ts", "lib/turns.ts", "lib/zlib.ts"],
    ...outward,
  },
  // Node's own sqlite is newer than the types of our oldest Node.js, so a variable holds its name.
  {
    files: "lib/ledger/sqlite/connection.ts",
    ours: ["lib/ledger/", "lib/ports.ts"],
    mayCompute: true,
    ...outward,
  },
  { files: "lib/digest.ts", ours: [], ...outward },
  { files: "lib/on-first-use.ts", ours: [], packages: [], builtins: false, pure: true },
  { files: "lib/turns.ts", ours: [], packages: [], builtins: false, pure: true },
  { files: "lib/zlib.ts", ours: ["lib/on-first-use.ts"], packages: [], builtins: true, pure: false },
  // Reads and verifies SSH signatures. Like the digest it is arithmetic over bytes: no files, no network.
  { files: SSH_SIGNATURE, ours: [], ...outward },
  { files: "lib/ports.ts", ours: ["lib/decision/", LEDGER_ENTRY], ...inward },
  {
    files: "lib/run/",
    ours: ["lib/decision/", "lib/ports.ts", "lib/digest.ts", SSH_SIGNATURE, LEDGER_ENTRY, LEDGER_NEXT_ENTRY],
    ...inward,
  },
  // The wirings know what they connect. Only start.ts knows all rooms.
  {
    files: "lib/app/",
    ours: [
      "lib/on-first-use.ts",
      "lib/decision/",
      "lib/ports.ts",
      "lib/run/",
      LEDGER_NEXT_ENTRY,
      "lib/ledger/open.ts",
      "lib/policy-file/load.ts",
      "lib/policy-file/packaged.ts",
      "lib/policy-file/problem.ts",
      "lib/signals/",
      "lib/metrics/collector.ts",
      CLOUD_EYE,
      "lib/huawei/endpoints.ts",
      "lib/huawei/smn.ts",
    ],
    ...outward,
  },
  {
    files: "lib/app/settings.ts",
    ours: [
      "lib/decision/",
      "lib/http/proxy.ts",
      "lib/ledger/ledger-url.ts",
      "lib/app/setting-kinds.ts",
      "lib/on-first-use.ts",
    ],
    ...outward,
  },
  {
    files: "lib/app/setting-kinds.ts",
    ours: [
      "lib/decision/",
      "lib/http/proxy.ts",
      "lib/ledger/ledger-url.ts",
      "lib/metrics/prometheus/auth.ts",
      "lib/on-first-use.ts",
    ],
    ...outward,
  },
  {
    files: "lib/app/credentials.ts",
    ours: [
      "lib/app/settings.ts",
      "lib/on-first-use.ts",
      "lib/http/sdk-handler.ts",
      "lib/metrics/prometheus/auth.ts",
    ],
    ...outward,
  },
  { files: "lib/app/start.ts", ours: ["lib/"], ...outward },
  // Plays load histories and scenarios through the real run, wired as in the app, with a model of the cloud.
  {
    files: "lib/simulate/",
    ours: [
      "lib/decision/",
      "lib/ports.ts",
      "lib/digest.ts",
      "lib/run/",
      "lib/ledger/",
      "lib/metrics/alarm.ts",
      "lib/policy-file/",
    ],
    ...outward,
  },
  // The one process of a host: HTTP and cron around an app. It knows what an app is, and no room behind it.
  {
    files: "lib/serve/",
    ours: [
      "lib/app/app.ts",
      "lib/app/run-facts.ts",
      "lib/app/run-metrics.ts",
      "lib/signals/webhooks/webhooks.ts",
      "lib/app/settings.ts",
      "lib/ledger/ledger-url.ts",
      "lib/policy-file/load.ts",
      "lib/run/result.ts",
      "lib/ports.ts",
      "lib/decision/",
    ],
    ...outward,
  },
  {
    files: "functions/",
    ours: [
      "lib/app/app.ts",
      "lib/app/start.ts",
      "lib/app/settings.ts",
      "lib/app/run-metrics.ts",
      "lib/app/flat-metrics.ts",
      "lib/policy-file/load.ts",
    ],
    ...outward,
  },
  // The loader of a function's bundle.
  {
    files: "functions/code-cache/",
    ours: ["lib/digest.ts"],
    packages: [],
    builtins: true,
    mayCompute: true,
    pure: false,
  },
  // The entry point of the npm package. It imports nothing that spends.
  {
    files: "functions/package.ts",
    ours: [
      "lib/decision/",
      "lib/digest.ts",
      "lib/policy-file/load.ts",
      "lib/sandbox/sandbox.ts",
      "functions/cli/require-node.ts",
      "docs/policy.schema.json",
    ],
    ...outward,
  },
  { files: "functions/cli.ts", ours: ["lib/", "functions/"], ...outward },
  { files: "functions/cli/", ours: ["lib/", "functions/"], ...outward },
  // Code that runs in a browser. It knows the report's data, and nothing of the machine that made it.
  {
    files: "functions/cli/report/page/",
    ours: ["functions/cli/report/report.ts"],
    packages: ["uplot"],
    builtins: false,
    pure: false,
  },
]

/** Steps below the line of no return. One file takes each of them, and no other file may import it. */
export const ONLY_FOR: Readonly<Record<string, string>> = {
  "lib/run/send.ts": "lib/run/purchase.ts",
  "lib/run/settle.ts": "lib/run/purchase.ts",
}

/**
 * The one file under lib/ and functions/ that may name `cloud.buy`. In its folder it is the only file that
 * may name `buy`.
 */
export const BUYER = { file: "lib/run/send.ts", folder: "lib/run/" } as const

/**
 * Packages that only one folder may import: the doors' framework in the doors, the vendor's own SDK in the
 * tests.
 */
export const FENCED: readonly { packages: RegExp; only: string }[] = [
  { packages: /^@middy\/|^@aws-lambda-powertools\//, only: "functions/" },
  { packages: /^@huaweicloud\//, only: "test/" },
]

/**
 * Forbidden token sequences in a pure file. `!x` matches any token but x, also before or after the others.
 */
export const IMPURE: readonly { tokens: readonly string[]; says: string }[] = [
  { tokens: ["Date", ".", "now"], says: "Date.now reads the clock" },
  { tokens: ["Date", "["], says: "Date[…] can read the clock" },
  { tokens: ["new", "Date", "(", ")"], says: "new Date() without an argument reads the clock" },
  { tokens: ["new", "Date", "!("], says: "new Date without an argument reads the clock" },
  { tokens: ["!new", "Date", "("], says: "Date() reads the clock" },
  { tokens: ["Math", ".", "random"], says: "Math.random is chance" },
  { tokens: ["Math", "!."], says: "Math may be used by its members only, so that Math.random cannot hide" },
]

/** Globals that a pure file may not even name. */
export const IMPURE_GLOBALS: readonly string[] = [
  "process",
  "performance",
  "console",
  "crypto",
  "fetch",
  "globalThis",
  "global",
  "require",
  "eval",
  "Function",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "Temporal",
]
