import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";

import { parseAllDocuments } from "yaml";

import type { DiagnosisDocument } from "../src/core/diagnosis.ts";
import { AGENT_OPTIONS, DEFAULT_CONSOLE } from "../src/config.ts";
import { version } from "../src/version.ts";
import { consoleUrlOf } from "./support/console-url.ts";
import { skipWithout, skipWithoutRoot } from "./support/needs.ts";

const MANIFEST = "kubernetes/daemonset.yaml";
const BIN = new URL("../bin/softnet.js", import.meta.url).pathname;

/** The fields of Kubernetes' API that the manifest uses, at their places; `*` stands for names of its own. An API server drops what it does not know. */
const FIELDS = `
apiVersion kind metadata.name metadata.namespace metadata.labels.*
spec.selector.matchLabels.* spec.updateStrategy.rollingUpdate.maxUnavailable
spec.template.metadata.labels.*
spec.template.spec.hostNetwork spec.template.spec.dnsPolicy spec.template.spec.automountServiceAccountToken
spec.template.spec.enableServiceLinks spec.template.spec.nodeSelector.* spec.template.spec.tolerations.operator
spec.template.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.matchExpressions.key
spec.template.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.matchExpressions.operator
spec.template.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.matchExpressions.values
spec.template.spec.securityContext.runAsNonRoot spec.template.spec.securityContext.runAsUser
spec.template.spec.securityContext.runAsGroup spec.template.spec.securityContext.fsGroup
spec.template.spec.securityContext.seccompProfile.type
spec.template.spec.containers.name spec.template.spec.containers.image spec.template.spec.containers.args
spec.template.spec.containers.env.name spec.template.spec.containers.env.value
spec.template.spec.containers.securityContext.allowPrivilegeEscalation
spec.template.spec.containers.securityContext.readOnlyRootFilesystem
spec.template.spec.containers.securityContext.capabilities.drop
spec.template.spec.containers.resources.requests.cpu spec.template.spec.containers.resources.requests.memory
spec.template.spec.containers.resources.limits.memory
spec.template.spec.containers.livenessProbe.httpGet.host spec.template.spec.containers.livenessProbe.httpGet.port
spec.template.spec.containers.livenessProbe.httpGet.path spec.template.spec.containers.livenessProbe.initialDelaySeconds
spec.template.spec.containers.livenessProbe.periodSeconds
spec.template.spec.containers.volumeMounts.name spec.template.spec.containers.volumeMounts.mountPath
spec.template.spec.containers.volumeMounts.readOnly
spec.template.spec.volumes.name spec.template.spec.volumes.hostPath.path spec.template.spec.volumes.hostPath.type
spec.template.spec.volumes.emptyDir.sizeLimit
`
  .trim()
  .split(/\s+/);

interface DaemonSet {
  readonly spec: {
    readonly selector: { readonly matchLabels: object };
    readonly template: {
      readonly metadata: { readonly labels: object };
      readonly spec: {
        readonly hostNetwork: boolean;
        readonly affinity: unknown;
        readonly tolerations: unknown;
        readonly securityContext: Readonly<Record<string, unknown>>;
        readonly containers: readonly Container[];
        readonly volumes: readonly { readonly name: string; readonly hostPath?: { readonly path: string } }[];
      };
    };
  };
}

interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly securityContext: unknown;
  readonly resources: { readonly limits: object };
  readonly livenessProbe: {
    readonly httpGet: { readonly host: string; readonly port: number; readonly path: string };
  };
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
  }[];
}

const documents = parseAllDocuments(readFileSync(MANIFEST, "utf8"), { uniqueKeys: true });
const [namespace, daemonSet] = documents.map((document) => document.toJS() as unknown) as [object, DaemonSet];
const { spec } = daemonSet.spec.template;
const agent = spec.containers[0]!;

describe(MANIFEST, () => {
  test("is YAML of a namespace and a DaemonSet, of fields that Kubernetes knows", () => {
    assert.deepEqual(
      documents.flatMap(({ errors, warnings }) => [...errors, ...warnings]),
      [],
    );
    assert.deepEqual(
      [namespace, daemonSet].map(({ kind }: { kind?: string }) => kind),
      ["Namespace", "DaemonSet"],
    );
    for (const field of [...fieldsOf(namespace), ...fieldsOf(daemonSet)]) {
      assert.ok(
        FIELDS.some(
          (known) => known === field || (known.endsWith(".*") && field.startsWith(known.slice(0, -1))),
        ),
        field,
      );
    }
    assert.deepEqual(daemonSet.spec.selector.matchLabels, daemonSet.spec.template.metadata.labels);
  });

  test("gives no privilege, and of the node only /proc and /sys to read", () => {
    assert.equal(spec.securityContext["runAsNonRoot"], true);
    assert.deepEqual(agent.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    assert.equal(spec.containers.length, 1);
    const ofNode = spec.volumes.filter(({ hostPath }) => hostPath !== undefined);
    assert.deepEqual(
      ofNode.map(({ name, hostPath }) => [
        hostPath!.path,
        agent.volumeMounts.find((mount) => mount.name === name),
      ]),
      [
        ["/proc", { name: "proc", mountPath: "/host/proc", readOnly: true }],
        ["/sys", { name: "sys", mountPath: "/host/sys", readOnly: true }],
      ],
    );
    assert.ok("memory" in agent.resources.limits);
  });

  test("is for every node that is a machine: tainted ones too, but none of ACK's virtual nodes", () => {
    assert.deepEqual(spec.tolerations, [{ operator: "Exists" }]);
    const virtual = { key: "type", operator: "NotIn", values: ["virtual-kubelet"] };
    assert.deepEqual(spec.affinity, {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [virtual] }],
        },
      },
    });
  });

  test("starts this version, with settings that the agent has", () => {
    assert.ok(agent.image.endsWith(`:${version}`), agent.image);
    assert.deepEqual(agent.args, ["run", "--root", "/host"]);
    const known: ReadonlySet<string> = new Set(Object.values(AGENT_OPTIONS).map(({ env }) => env));
    for (const { name } of agent.env) assert.ok(known.has(name), name);
  });

  const skip = skipWithoutRoot() || skipWithout("unshare", "setpriv", "mount");

  test("shows the node's CPUs, settings and interfaces to the agent's user", { skip }, () => {
    const { host, cpus } = diagnoseAsInPod({ hostNetwork: spec.hostNetwork });
    const here = diagnose([process.execPath, BIN]);
    assert.equal(host.inOwnNetworkNamespace, false);
    assert.deepEqual(
      cpus.map(({ cpu }) => cpu),
      here.cpus.map(({ cpu }) => cpu),
    );
    assert.deepEqual(host.sysctls, here.host.sysctls);
    assert.deepEqual(namesOf(host), namesOf(here.host));
  });

  test("shows them without the node's network too, but for its settings", { skip }, () => {
    const { host, cpus } = diagnoseAsInPod({ hostNetwork: false });
    const here = diagnose([process.execPath, BIN]);
    assert.equal(host.inOwnNetworkNamespace, true);
    assert.equal(host.sysctls.netdev_max_backlog, undefined);
    assert.deepEqual(
      cpus.map(({ cpu }) => cpu),
      here.cpus.map(({ cpu }) => cpu),
    );
    assert.deepEqual(namesOf(host), namesOf(here.host));
  });

  test("starts an agent that keeps its state where it may, and is alive to the probe", { skip }, async () => {
    const { path, ...address } = agent.livenessProbe.httpGet;
    assert.deepEqual(address, DEFAULT_CONSOLE);
    using pod = makePod({ hostNetwork: true });
    const [command, ...args] = [...pod.command, ...agent.args];
    const given = agent.env.map(({ name, value }) => [
      name,
      value.startsWith("/") ? pod.folder + value : value,
    ]);
    const child = spawn(
      command!,
      args.map((arg) => (arg === "/host" ? `${pod.folder}/host` : arg)),
      {
        // The port of the manifest may be taken here, and nobody is to be asked for credentials.
        env: {
          PATH: process.env["PATH"],
          ...Object.fromEntries(given),
          SOFTNET_CONSOLE: "127.0.0.1:0",
          SOFTNET_SINK: "local",
        },
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const ended = once(child, "exit");
    try {
      const url = await consoleUrlOf(child.stdout);
      assert.equal((await fetch(new URL(path, url))).status, 200);
      assert.ok(existsSync(join(pod.folder, "state/softnet/softnet.db")));
    } finally {
      child.kill();
    }
    assert.deepEqual(await ended, [0, null]);
  });
});

/** The paths of a document's scalars; an item of a list has its list's path. */
function fieldsOf(node: unknown, path = ""): readonly string[] {
  if (Array.isArray(node)) return node.flatMap((item) => fieldsOf(item, path));
  if (typeof node !== "object" || node === null) return [path];
  return Object.entries(node).flatMap(([key, value]) =>
    fieldsOf(value, path === "" ? key : `${path}.${key}`),
  );
}

function namesOf({ interfaces }: DiagnosisDocument["host"]): readonly string[] {
  return interfaces.map(({ name }) => name);
}

function diagnoseAsInPod({ hostNetwork }: { readonly hostNetwork: boolean }): DiagnosisDocument {
  using pod = makePod({ hostNetwork });
  return diagnose([...pod.command, "--root", `${pod.folder}/host`]);
}

/** What a container runtime makes of the manifest, by the same means. @returns what starts `softnet` in it. */
function makePod({ hostNetwork }: { readonly hostNetwork: boolean }) {
  const folder = mkdtempSync(join(tmpdir(), "softnet-pod-"));
  chmodSync(folder, 0o755);
  const { runAsUser, runAsGroup, fsGroup } = spec.securityContext;
  const mounts = spec.volumes.flatMap(({ name, hostPath }) => {
    const mount = agent.volumeMounts.find((each) => each.name === name)!;
    const target = join(folder, mount.mountPath);
    mkdirSync(target, { recursive: true });
    if (!hostPath) return [`chgrp ${String(fsGroup)} ${target}`, `chmod 2777 ${target}`];
    return [`mount --rbind ${hostPath.path} ${target}`, `mount -o remount,bind,ro ${target}`];
  });
  // The checkout may lie where only root gets to.
  const [from, checkout] = [process.cwd(), join(folder, "checkout")];
  mkdirSync(checkout);
  mounts.push(`mount --bind ${from} ${checkout}`);
  const inPod = (path: string) => (path.startsWith(`${from}/`) ? checkout + path.slice(from.length) : path);
  return {
    folder,
    command: [
      ["unshare", "--mount", ...(hostNetwork ? [] : ["--net"])],
      ["sh", "-ec", `${mounts.join("\n")}\nexec "$@"`, "sh"],
      ["setpriv", "--reuid", String(runAsUser), "--regid", String(runAsGroup), "--groups", String(fsGroup)],
      ["--bounding-set=-all", "--no-new-privs", inPod(process.execPath), inPod(BIN)],
    ].flat(),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

function diagnose([command, ...args]: readonly string[]): DiagnosisDocument {
  const at = args.findIndex((arg) => arg.endsWith("/bin/softnet.js")) + 1;
  const all = [...args.slice(0, at), "diagnose", "--json", "--for", "1", ...args.slice(at)];
  const { stdout, stderr } = spawnSync(command!, all, { encoding: "utf8" });
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout) as DiagnosisDocument;
}
