// The commands that a newcomer types, document by document.

/** One block of a document as a shell runs it. */
export interface Play {
  /** The block's first line. */
  begins: string
  /** Texts of the block that a person replaces. */
  replaced?: [written: string, by: string][]
  /** The expected output. */
  prints?: RegExp
  /**
   * For a block that runs until it is stopped. The walk waits for this output, and passes on its lines that
   * begin with `export`.
   */
  servesUntil?: RegExp
}

export interface Walk {
  /** Typed before the first block; empty if there is nothing to type. */
  first: string
  plays: Play[]
}

/** Fenced blocks of `sh`, without the indentation of a list. */
export function blocksOf(page: string): string[] {
  return [...page.matchAll(/^( *)```(?:sh|bash|shell)\n([\s\S]*?)^ *```$/gm)].map(
    ([, indent = "", block = ""]) => block.replaceAll(new RegExp(`^${indent}`, "gm"), "").trimEnd(),
  )
}

const PLACEHOLDERS: [string, string][] = [
  ["WHO", "ann"],
  ["TEXT", "'a reason'"],
  ["NAME", "train-a"],
]

/**
 * The block with what a person types instead of placeholders. Throws an Error if a text of `replaced` is
 * missing.
 */
export function typed(block: string, { replaced = [] }: Play): string {
  const text = PLACEHOLDERS.reduce(
    (line, [word, by]) => line.replaceAll(new RegExp(`\\b${word}\\b`, "g"), by),
    block,
  )
  return replaced.reduce((line, [written, by]) => {
    if (!line.includes(written)) throw new Error(`no ${written} in: ${line}`)
    return line.replaceAll(written, by)
  }, text)
}

/** The first line of the block that starts the sandbox. */
const SANDBOX = "supernode-autoscaler sandbox"
const IN_LIVE_MODE = `export SUPERNODE_LEDGER=sqlite:./ledger.db
cp examples/first-run.yaml policy.yaml
supernode-autoscaler ledger init --by ann --why 'first ledger' --nothing-in-flight`
const ANY_PORT: [string, string][] = [["sandbox", "sandbox --port 0"]]
const STARTS_SANDBOX: Play = {
  begins: SANDBOX,
  replaced: ANY_PORT,
  servesUntil: /export SUPERNODE_MODE=live[\s\S]*curl/,
}
const ALIAS: Play = { begins: 'alias supernode-autoscaler="node $PWD/dist/cli/index.js"' }

export const WALKS: Record<string, Walk> = {
  "README.md": {
    first: "",
    plays: [
      ALIAS,
      STARTS_SANDBOX,
      {
        begins: "unset SUPERNODE_MODE                          # observe: decide and record, never buy",
        prints: /all is well[\s\S]*would scale up|SCALE|plan/i,
      },
    ],
  },
  "docs/getting-started.md": {
    first: "",
    plays: [
      ALIAS,
      STARTS_SANDBOX,
      {
        begins: "unset SUPERNODE_MODE                          # observe: decide and record, never buy",
        prints: /valid, 1 supernode[\s\S]*all is well[\s\S]*paused/,
      },
      {
        begins: "mkdir -p mine && supernode-autoscaler init --out mine/policy.yaml",
        prints: /is written[\s\S]*all as expected/,
      },
      // The block belongs to step 6, but the walk runs it before the purchase: `doctor` reports new servers
      // that are not ready yet.
      { begins: "supernode-autoscaler doctor", prints: /all is well/ },
      { begins: "export SUPERNODE_MODE=live", prints: /ACCEPTED[\s\S]*in flight/ },
      { begins: "supernode-autoscaler validate policy.yaml", prints: /valid, 1 supernode/ },
      {
        begins:
          "supernode-autoscaler simulate train-a --load examples/load.csv --policy examples/first-run.yaml",
        prints: /purchases +2[\s\S]*all as expected/,
      },
    ],
  },
  "docs/operate.md": {
    first: IN_LIVE_MODE,
    plays: [
      {
        begins: 'supernode-autoscaler dry-run train-a --servers 4 --by ann --why "launch week"',
        prints: /supernode-autoscaler run --event/,
      },
      {
        begins:
          'supernode-autoscaler dry-run train-a --servers 4 --by ann --why "launch week" --out plan.json',
        replaced: [["apply plan.json", "apply plan.json --yes"]],
        prints: /ACCEPTED/,
      },
    ],
  },
  "docs/upgrade.md": {
    first: IN_LIVE_MODE,
    plays: [
      { begins: "supernode-autoscaler pause --by WHO --why upgrade", prints: /paused/ },
      {
        begins:
          "supernode-autoscaler doctor && supernode-autoscaler audit verify && supernode-autoscaler resume --by WHO",
        prints: /all is well/,
      },
      { begins: 'sqlite3 ledger.db ".backup copy.db"' },
      { begins: "rm -f ledger.db ledger.db-wal ledger.db-shm" },
      { begins: "supernode-autoscaler audit verify --anchor anchor.json" },
      { begins: "supernode-autoscaler ledger confirm NAME --by WHO --why TEXT" },
    ],
  },
  "docs/deploy-host.md": {
    first: "mkdir -p state",
    plays: [
      {
        begins:
          "supernode-autoscaler --ledger sqlite:/var/lib/supernode-autoscaler/ledger.db ledger init --by WHO --why TEXT",
        replaced: [["/var/lib/supernode-autoscaler", "$PWD/state"]],
      },
    ],
  },
  "docs/serve.md": {
    first: `mkdir -p state; ${IN_LIVE_MODE}`,
    plays: [
      {
        begins: "SUPERNODE_WEBHOOK_TOKEN=… HUAWEICLOUD_SDK_AK=… HUAWEICLOUD_SDK_SK=… \\",
        replaced: [
          ["TOKEN=…", "TOKEN=0123456789abcdef"],
          ["AK=…", "AK=$HUAWEICLOUD_SDK_AK"],
          ["SK=…", "SK=$HUAWEICLOUD_SDK_SK"],
          ["/var/lib/supernode-autoscaler", "$PWD/state"],
          ["serve ", "serve --port 0 "],
        ],
        servesUntil: /serving on http/,
      },
    ],
  },
  "docs/simulate.md": {
    first:
      "cp examples/first-run.yaml policy.yaml; cp policy.yaml stricter.yaml; cp examples/load.csv load.csv",
    plays: [
      {
        begins:
          "supernode-autoscaler simulate train-a --load examples/load.csv --policy examples/first-run.yaml",
        prints: /stricter\.yaml/,
      },
    ],
  },
  "docs/report.md": {
    first: `${IN_LIVE_MODE}
cp policy.yaml stricter.yaml; cp examples/load.csv load.csv`,
    plays: [
      {
        begins: "supernode-autoscaler audit report report.html                          # what is on record",
        prints: /is in report\.html[\s\S]*report\.html/,
      },
    ],
  },
  "docs/scenarios.md": {
    first: "",
    plays: [
      {
        begins: "supernode-autoscaler test examples/scenario.yaml --policy examples/first-run.yaml",
        prints: /all as expected/,
      },
    ],
  },
}

const INSTALLS =
  "installs and builds all; .ci/run begins with npm ci, and the other walks with what npm start builds"
const AWS =
  "needs an account at AWS; test/packaging checks the template, test/cli/examples.test.ts the command"
const CLUSTER = "needs a cluster; test/deploy/helm.test.ts renders the chart"
const MUTATION = "takes hours; CONTRIBUTING says when"
const KEYS = "needs a key of an approver; test/cli has approvals signed by ssh-keygen"

/** `FILE: first line` → the reason why no walk runs it. */
export const NOT_RUN: Record<string, string> = {
  "README.md: npm ci && npm start    # the main job on this machine: sandbox cloud, SQLite ledger, the built functions":
    INSTALLS,
  "README.md: npm pack && npm install --global ./supernode-autoscaler-*.tgz":
    "changes the machine; test/packaging/install.test.ts installs the package in an empty folder",
  "docs/getting-started.md: npm ci && npm start": INSTALLS,
  "CONTRIBUTING.md: npm ci && npm start    # the main job against the sandbox; the run itself takes a few seconds":
    INSTALLS,
  "docs/approvals.md: supernode-autoscaler approve sha256:… --by ann --key ~/.ssh/id_ed25519": KEYS,
  "docs/approvals.md: printf '%s\\n' 'supernode-autoscaler approval v1' … | ssh-keygen -Y sign -n supernode-autoscaler -f KEY > FILE":
    KEYS,
  "docs/deploy-aws.md: aws lambda invoke --function-name supernode-autoscaler-dev-manual --cli-binary-format raw-in-base64-out \\":
    AWS,
  "docs/deploy-host.md: systemctl daemon-reload": "needs systemd and root",
  "docs/deploy-huawei.md: npm ci": "builds everything; test/functiongraph makes the zip and runs it",
  "docs/deploy-huawei.md: npm run package:functiongraph -- --with rds-ca.pem":
    "builds everything; test/functiongraph makes such a zip and runs it over TLS",
  "docs/deploy-kubernetes.md: docker build -f deploy/host/Dockerfile -t swr.cn-southwest-2.myhuaweicloud.com/ORG/supernode-autoscaler:0.1.0 .":
    "needs a registry of images",
  "docs/deploy-kubernetes.md: kubectl create namespace npu": CLUSTER,
  "docs/deploy-kubernetes.md: helm install autoscaler deploy/helm -n npu --set-file policy=policy.yaml \\":
    CLUSTER,
  "docs/deploy-kubernetes.md: kubectl -n npu exec deploy/autoscaler-supernode-autoscaler -- supernode-autoscaler ledger init --by WHO --why TEXT":
    CLUSTER,
  "docs/manual-function.md: aws lambda invoke --function-name supernode-autoscaler-dev-manual --cli-binary-format raw-in-base64-out \\":
    AWS,
  'docs/manual-function.md: echo \'{ "body": { "command": ["status"] } }\' > event.json':
    "needs an account at Huawei Cloud",
  "docs/mutation.md: npm run mutation                                             # everything: some hours on two cores":
    MUTATION,
  "docs/mutation.md: MUTATION_SUITE=test/mutation/decision.ts npm run mutation -- --mutate lib/decision/transitions/fold.ts,lib/decision/transitions/reconcile.ts":
    MUTATION,
}
