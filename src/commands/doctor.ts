import { checkCloud, type Instance, readInstance } from "../doctor/checkup-cloud.ts";
import { checkMachine } from "../doctor/checkup-local.ts";
import { checkupDocument, checkupText, exitCodeOf } from "../doctor/checkup-text.ts";
import { sortSettings } from "../doctor/settings.ts";
import { systemClock } from "../clock.ts";
import { defineVerb, exitCodeOfSignal, type Io } from "../terminal/command.ts";
import { AGENT_OPTIONS, type AgentConfig } from "../config.ts";
import { type RefusedSetting, refusedText } from "../core/checkup.ts";
import type { Language, Text } from "../core/text.ts";
import { readAgentEnv } from "../host/agent-env.ts";
import { parseCpuList } from "../host/cpu-list.ts";
import { readLine } from "../host/host.ts";
import { Machine } from "../host/machine.ts";
import { ecsEndpoint, OPERATOR_OPTIONS, type OperatorOptions } from "../operator-options.ts";
import { oneOf, type Option, readOptions } from "../options.ts";
import { POLICIES, type PolicyChoice, policyText } from "../policies.ts";

const policy: Option<PolicyChoice | "all" | undefined> = {
  flag: "policy",
  placeholder: "[agent|setup|remediation]",
  bare: "all",
  ...oneOf(["agent", "setup", "remediation", "all"]),
  fallback: undefined,
  help: { en: "print the RAM policies, or one of them", zh: "打印全部或其中一个 RAM 策略" },
};

export default defineVerb({
  name: "doctor",
  summary: {
    en: "look for what keeps metrics, alarms and remedies from working, and say what mends it",
    zh: "检查妨碍指标、报警和修复的问题，并给出处理办法",
  },
  details: {
    en: "Exits with 0 when nothing is to be mended, 1 with warnings or failures, 2 when it could not look. It changes nothing.",
    zh: "退出码：0 无需处理，1 有警告或失败，2 无法检查。不做任何改动。",
  },
  options: {
    ...OPERATOR_OPTIONS,
    ecsEndpoint,
    instanceId: AGENT_OPTIONS.instanceId,
    accountId: AGENT_OPTIONS.accountId,
    stateDir: AGENT_OPTIONS.stateDir,
    policy,
  },
  run: async (options, io) => {
    if (options.policy !== undefined) {
      printPolicies(options.policy === "all" ? NAMES : [options.policy], options, io);
      return 0;
    }
    using machine = new Machine(options.root);
    const { env: agentEnv, refused, passedOver } = sortSettings(readAgentEnv(machine));
    for (const setting of passedOver) sayPassedOver(setting, options.lang, io);
    const config = agentConfig(options, { ...agentEnv, ...io.env });
    const possible = parseCpuList(readLine(machine, "/sys/devices/system/cpu/possible") ?? "");
    let asked: Promise<Instance> | undefined;
    const instance = (): Promise<Instance> => (asked ??= readInstance(config.imds));
    const isInstance = async (): Promise<boolean> => (await instance()).identity !== undefined;
    const looked = Promise.all([
      checkCloud({
        config,
        stsEndpoint: options.stsEndpoint ?? (agentEnv["SOFTNET_STS_ENDPOINT"] || undefined),
        ecsEndpoint: options.ecsEndpoint ?? (agentEnv["SOFTNET_ECS_ENDPOINT"] || undefined),
        env: io.env,
        agentEnv,
        instance,
        possibleCpus: possible?.length ?? 1,
        nowMs: systemClock.nowMs,
      }),
      checkMachine(machine, options.root, config, io.env, { refused, isInstance }),
    ]);
    const checked = (await Promise.race([looked, aborted(io.signal)]))?.flat();
    if (checked === undefined) return exitCodeOfSignal(io.signal);
    io.stdout(
      options.json
        ? `${JSON.stringify(checkupDocument(checked, options.lang))}\n`
        : checkupText(checked, {
            lang: options.lang,
            columns: io.columns,
            colours: io.isTerminal && !io.env["NO_COLOR"],
          }),
    );
    return exitCodeOf(checked);
  },
});

/** The agent starts with it all the same. */
function sayPassedOver(setting: RefusedSetting, lang: Language, io: Io): void {
  const what = refusedText(setting);
  const said: Text = {
    en: `${what.en}: it is passed over, and the agent does not read it`,
    zh: `${what.zh}；已忽略此项，agent 也不读取它`,
  };
  io.stderr(`softnet: ${said[lang]}\n`);
}

/** What is under way is left to itself: it changes nothing. */
function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

type Asked = OperatorOptions & Pick<AgentConfig, "instanceId" | "accountId" | "stateDir">;

/** The agent's settings as far as they are known here: what was asked for, this environment, and the file that systemd reads. */
function agentConfig(options: Asked, env: Io["env"]): AgentConfig {
  const config = readOptions(AGENT_OPTIONS, [], env);
  const { region, endpoint, instanceId, accountId, stateDir, imds } = options;
  return {
    ...config,
    region: region ?? config.region,
    endpoint: endpoint ?? config.endpoint,
    instanceId: instanceId ?? config.instanceId,
    accountId: accountId ?? config.accountId,
    stateDir: stateDir ?? config.stateDir,
    imds: imds === AGENT_OPTIONS.imds.fallback ? config.imds : imds,
  };
}

const NAMES = Object.keys(POLICIES) as PolicyChoice[];

function printPolicies(
  names: readonly PolicyChoice[],
  { json, lang }: { readonly json: boolean; readonly lang: Language },
  io: Io,
): void {
  if (json) {
    const policies = Object.fromEntries(names.map((name) => [name, POLICIES[name].document]));
    io.stdout(`${JSON.stringify({ schemaVersion: 1, policies })}\n`);
    return;
  }
  // One alone is the document and nothing else, for a program to take.
  if (names.length === 1) io.stdout(policyText(names[0]!));
  else {
    const sections = names.map((name) => `# ${name}: ${POLICIES[name].purpose[lang]}\n${policyText(name)}`);
    io.stdout(sections.join("\n"));
  }
}
