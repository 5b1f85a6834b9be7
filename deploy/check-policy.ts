import { writeFile } from "node:fs/promises"
import { DeployError, packaging, policyFiles } from "./policy-files.ts"

// `npm run package`: serverless.yml takes policy.yaml and policy/ into each function. A missing or broken policy is refused
// here, since the functions would only find it in the cloud. Beside it, .policy.yaml.packaged spares their cold starts the YAML.

await packaging(async () => {
  const { files, packaged } = await policyFiles("policy.yaml")
  const missed = files.filter(({ name }) => name !== "policy.yaml" && !name.startsWith("policy/"))
  if (missed.length > 0)
    throw new DeployError(
      missed.map(
        ({ path }) =>
          `${path}: move it into the folder policy/, which serverless.yml takes into the functions`,
      ),
    )
  // Readable by all, since Lambda runs as another user than the owner of the files.
  await writeFile(packaged.name, packaged.text)
})
