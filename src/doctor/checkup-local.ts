import { request } from "node:http";

import { DEFAULT_CONSOLE, type AgentConfig } from "../config.ts";
import {
  agentCheck,
  type AgentSigns,
  type Checked,
  conflictChecks,
  driftCheck,
  firstBootCheck,
  NO_AGENT_HERE,
  type NotChecked,
  type RefusedSetting,
  settingsCheck,
} from "../core/checkup.ts";
import { conflictsWith } from "../core/remedies/conflicts.ts";
import { driftDocument } from "../core/remedy-document.ts";
import { driftOf, isEndedByReboot, type JournaledValue, type RemedyJournal } from "../core/remedy-journal.ts";
import { REMEDY_SYSCTLS } from "../core/remedy-sysctls.ts";
import { assignmentIn, CONF_PATH, type TuningFiles } from "../core/tuning-files.ts";
import { HostError, StoreError } from "../errors.ts";
import { AGENT_ENV_PATH } from "../host/agent-env.ts";
import { readFirstBootReport } from "../host/first-boot.ts";
import { type Host, readLine } from "../host/host.ts";
import { readSeenHost, readJournal } from "../host/remedy-record.ts";
import { readHostSettings } from "../host/settings.ts";
import { readTuningFiles } from "../host/tuning-files.ts";
import { possibleStateDirs, readHolder } from "../store/state-dir.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** What is known of the agent that should be here. */
export interface AgentExpected {
  /** Its settings with which it does not start. */
  readonly refused: readonly RefusedSetting[];
  /** Whether a metadata service names this machine as an instance. */
  readonly isInstance: () => Promise<boolean>;
}

/** What the machine alone can tell: it asks nobody but the agent's own console. */
export async function checkMachine(
  host: Host,
  root: string,
  config: Pick<AgentConfig, "stateDir" | "console" | "remedyDir">,
  env: Env,
  { refused, isInstance }: AgentExpected,
): Promise<readonly Checked[]> {
  const agent = async (): Promise<Checked> => {
    if (refused.length > 0) return settingsCheck(refused);
    if (root !== "/") return ANOTHER_TREE;
    const signs = await findAgent(host, config, env);
    const isMissed =
      isAlive(signs) ||
      isInstalled(host) ||
      // Whoever says where its console is has one.
      (config.console !== undefined && config.console !== DEFAULT_CONSOLE) ||
      isMadeByAlibabaCloud(host) ||
      (await isInstance());
    return isMissed ? agentCheck(signs) : NO_AGENT_HERE;
  };
  return [await agent(), ...checkRemedy(host, config.remedyDir), firstBootCheck(readFirstBootReport(host))];
}

const ANOTHER_TREE: NotChecked = {
  code: "agent",
  because: {
    en: "--root is another tree, and processes are looked for on this machine only",
    zh: "--root 指向其他目录树，而进程只能在本机查找",
  },
};

function isAlive({ pid, closedDir, console }: AgentSigns): boolean {
  return pid !== undefined || closedDir !== undefined || console !== undefined;
}

function isInstalled(host: Host): boolean {
  return (
    host.list("/etc/softnet").length > 0 ||
    ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"].some((dir) =>
      host.list(dir).includes("softnet-agent.service"),
    )
  );
}

function isMadeByAlibabaCloud(host: Host): boolean {
  return readLine(host, "/sys/class/dmi/id/sys_vendor")?.startsWith("Alibaba Cloud") ?? false;
}

const CONSOLE_TIMEOUT_MS = 1000;

async function findAgent(
  host: Host,
  { stateDir, console: address }: Pick<AgentConfig, "stateDir" | "console">,
  env: Env,
): Promise<AgentSigns> {
  const { pid, dir, closedDir } = findHolder(possibleStateDirs(stateDir, env));
  const { host: hostname, port } = address ?? DEFAULT_CONSOLE;
  const said = address === undefined ? undefined : await askHealth(hostname, port);
  const isClosed =
    readLine(host, AGENT_ENV_PATH) === undefined && host.list("/etc/softnet").includes("agent.env");
  return {
    pid,
    stateDir: dir,
    closedDir,
    closedSettings: isClosed ? AGENT_ENV_PATH : undefined,
    console: said && {
      url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`,
      ...said,
    },
  };
}

interface FoundHolder {
  readonly pid?: number;
  readonly dir?: string;
  readonly closedDir?: string;
}

function findHolder(dirs: readonly string[]): FoundHolder {
  let closedDir: string | undefined;
  for (const dir of dirs) {
    try {
      const holder = readHolder(dir);
      if (holder) return { pid: holder.pid, dir };
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      closedDir ??= dir;
    }
  }
  return closedDir === undefined ? {} : { closedDir };
}

/** Undefined where nobody answers as the agent's console does. */
function askHealth(
  hostname: string,
  port: number,
): Promise<{ readonly healthy: boolean; readonly said: string } | undefined> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(CONSOLE_TIMEOUT_MS);
    const nobody = (): void => resolve(undefined);
    const asked = request({ hostname, port, path: "/healthz", signal, agent: false }, (response) => {
      let said = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        said = (said + chunk).slice(0, LONGEST_WORD);
      });
      response.on("error", nobody);
      response.on("end", () => {
        const { statusCode } = response;
        const isOurs = statusCode === 503 || (statusCode === 200 && said.trim() === "ok");
        resolve(isOurs ? { healthy: statusCode === 200, said: said.trim() } : undefined);
      });
    });
    asked.on("error", nobody);
    asked.end();
  });
}

const LONGEST_WORD = 200;

function checkRemedy(host: Host, remedyDir: string): readonly Checked[] {
  const tuning = readTuningFiles(host);
  try {
    const journal = readJournal(host, remedyDir);
    return [checkDrift(host, journal), ...checkConflicts(valuesInForce(host, journal), tuning)];
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return [
      {
        code: "remedy-drift",
        status: "failed",
        summary: {
          en: `what a remedy has changed cannot be told: ${error.message}`,
          zh: `无法得知修复改动了什么：${error.message}`,
        },
        mend: {
          en: `sudo softnet doctor, or look at ${remedyDir}`,
          zh: `sudo softnet doctor，或查看 ${remedyDir}`,
        },
        evidence: {},
      },
      ...checkConflicts([], tuning),
    ];
  }
}

function checkDrift(host: Host, journal: RemedyJournal | undefined): Checked {
  if (!journal) return driftCheck(undefined);
  const settings = readHostSettings(host);
  const drift = driftOf(journal, readSeenHost(host, journal, settings));
  return driftCheck(drift.map((one) => driftDocument(one, settings.cpus.possible)));
}

/** Without what a reboot has ended. */
function valuesInForce(host: Host, journal: RemedyJournal | undefined): readonly JournaledValue[] {
  if (!journal) return [];
  const seen = readSeenHost(host, journal, readHostSettings(host));
  return journal.values.filter((value) => !isEndedByReboot(value, seen));
}

function checkConflicts(values: readonly JournaledValue[], tuning: TuningFiles): readonly Checked[] {
  const conf = tuning.sysctl.find(({ path }) => path === CONF_PATH);
  const kept = REMEDY_SYSCTLS.flatMap((name) => {
    const journaled = values.find((value) => value.kind === "sysctl" && value.name === name);
    const line = conf && assignmentIn(conf, name);
    const to = (journaled?.set as number | undefined) ?? Number(line?.value ?? Number.NaN);
    return Number.isNaN(to) ? [] : [{ name, to, isKept: Number(line?.value) === to }];
  });
  const setsMasks = values.some(({ kind }) => kind === "rps");
  return conflictChecks(conflictsWith(kept, setsMasks, tuning), {
    tuned: tuning.tuned.length > 0,
    ecsMq: tuning.ecsMq,
    irqbalance: tuning.irqbalance,
  });
}
