// CycloneDX 1.5 from the lockfile. `npm sbom` knows what an installation fetches; the bundles contain far more.

/**
 * The packages that a user of this package runs, as a CycloneDX document: those in the bundles, and those that an
 * installation may add. `bundled` are folders such as node_modules/zod. Equal inputs give an equal document. Throws an Error if the
 * lockfile lacks a package.
 */
export function billOfMaterials({ manifest, lock, bundled }) {
  const packages = lock.packages
  const bundledPaths = [...new Set(bundled)].sort()
  const direct = Object.keys(manifest.optionalDependencies ?? {}).map((name) =>
    pathOf({ packages, name, from: "" }),
  )
  const optionalPaths = closureOf({ packages, paths: direct }).filter((path) => !bundledPaths.includes(path))
  const all = [...bundledPaths, ...optionalPaths]
  const refs = new Map(all.map((path) => [path, refOf(nameIn(path), entryAt(packages, path).version)]))
  const root = refOf(manifest.name, manifest.version)
  const { name, version, description, license } = manifest
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.5.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      lifecycles: [{ phase: "build" }],
      component: {
        "bom-ref": root,
        type: "application",
        name,
        version,
        description,
        purl: purlOf(name, version),
        licenses: [{ license: { id: license } }],
      },
    },
    components: all.map((path) =>
      componentOf({ path, entry: entryAt(packages, path), isBundled: bundledPaths.includes(path) }),
    ),
    dependencies: [
      { ref: root, dependsOn: [...bundledPaths, ...direct].map((path) => refs.get(path)) },
      ...all.map((path) => ({
        ref: refs.get(path),
        dependsOn: dependenciesOf({ packages, path }).flatMap((one) => refs.get(one) ?? []),
      })),
    ],
  }
}

function componentOf({ path, entry: { version, license, integrity }, isBundled }) {
  const name = nameIn(path)
  return {
    "bom-ref": refOf(name, version),
    type: "library",
    name,
    version,
    scope: isBundled ? "required" : "optional",
    purl: purlOf(name, version),
    hashes: [hashOf(integrity)],
    licenses: [/[ (]/.test(license) ? { expression: license } : { license: { id: license } }],
  }
}

/** `sha512-BASE64`, as the lockfile has it. */
function hashOf(integrity) {
  const [, size, base64] = /^sha(\d+)-(\S+)/.exec(integrity)
  return { alg: `SHA-${size}`, content: Buffer.from(base64, "base64").toString("hex") }
}

function refOf(name, version) {
  return `${name}@${version}`
}

function purlOf(name, version) {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`
}

function nameIn(path) {
  return path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length)
}

function entryAt(packages, path) {
  const entry = packages[path]
  if (!entry)
    throw new Error(`package-lock.json has no ${path}, which is bundled: run npm ci, then build again`)
  return entry
}

/** The folder in which Node.js finds a package: the nearest node_modules upwards. Null if it is not installed. */
function pathOf({ packages, name, from }) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    const path = folder === "" ? `node_modules/${name}` : `${folder}/node_modules/${name}`
    if (packages[path]) return path
    if (folder === "") return null
  }
}

function dependenciesOf({ packages, path }) {
  const { dependencies = {}, optionalDependencies = {} } = entryAt(packages, path)
  const names = Object.keys({ ...dependencies, ...optionalDependencies })
  return names.map((name) => pathOf({ packages, name, from: path })).filter((one) => one !== null)
}

function closureOf({ packages, paths }) {
  const found = new Set(paths)
  for (const path of found) for (const one of dependenciesOf({ packages, path })) found.add(one)
  return [...found].sort()
}
