import { writeFile } from "node:fs/promises"
import { DeployError, packaging, policyFiles } from "./policy-files.ts"

// `npm run package`: serverless.yml packages policy.yaml and folder policy/ with each function. This check refuses a
// missing or broken policy, since the functions would report it only in the cloud. It also writes
// .policy.yaml.packaged beside the policy, so that cold starts need not parse YAML.

await packaging(async () => {
  const { files, packaged } = await policyFiles("policy.yaml")
  const outside = files.filter(({ name }) => name !== "policy.yaml" && !name.startsWith("policy/"))
  if (outside.length > 0)
    throw new DeployError(
      outside.map(
        ({ path }) =>
          `${path}: move it into the folder policy/, which serverless.yml packages with the functions`,
      ),
    )
  // Readable by all, since Lambda runs as another user than the owner of the files.
  await writeFile(packaged.name, packaged.text)
})
