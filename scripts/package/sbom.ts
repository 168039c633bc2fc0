import type { ThirdParty } from "../third-party.ts";

export interface SbomSource {
  readonly version: string;
  /** What of npm's is in the bundle. */
  readonly packages: readonly ThirdParty[];
  /** `process.versions` of the Node that is packed. */
  readonly nodeVersions: Readonly<Record<string, string | undefined>>;
  readonly builtAtSeconds: number;
}

/** Node's own name and version, and of its ABI: no parts of it. */
const NO_COMPONENTS = new Set(["node", "modules", "napi"]);

/** What is in the executable, in CycloneDX 1.5: the packages in the bundle, Node, and what Node is made of. */
export function sbomOf({ version, packages, nodeVersions, builtAtSeconds }: SbomSource): object {
  const ref = (name: string, of: string) => `${name}@${of}`;
  const ours = ref("softnet-agent", version);
  const components = [
    ...packages.map(({ name, version: of, licence }) => ({
      type: "library",
      "bom-ref": ref(name, of),
      name,
      version: of,
      licenses: [{ license: { id: licence } }],
      purl: `pkg:npm/${name.replace("@", "%40")}@${of}`,
    })),
    {
      type: "platform",
      "bom-ref": ref("node", nodeVersions["node"]!),
      name: "node",
      version: nodeVersions["node"]!,
      licenses: [{ license: { id: "MIT" } }],
      purl: `pkg:generic/node@${nodeVersions["node"]}`,
      components: Object.entries(nodeVersions)
        .filter(([name, of]) => of !== undefined && !NO_COMPONENTS.has(name))
        .map(([name, of]) => ({
          type: "library",
          "bom-ref": ref(`node/${name}`, of!),
          name,
          version: of!,
          purl: `pkg:generic/${name}@${of}`,
        })),
    },
  ];
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      timestamp: new Date(builtAtSeconds * 1000).toISOString(),
      component: {
        type: "application",
        "bom-ref": ours,
        name: "softnet-agent",
        version,
        licenses: [{ license: { id: "Apache-2.0" } }],
        purl: `pkg:npm/softnet-agent@${version}`,
      },
    },
    components,
    dependencies: [{ ref: ours, dependsOn: components.map((component) => component["bom-ref"]) }],
  };
}
