/**
 * The agent and its console on a recorded incident: `npm run demo`. It needs no root, no traffic and no cloud, and leaves nothing behind. Flags of the agent
 * may follow: `npm run demo -- --console 127.0.0.1:9500`.
 *
 * What is replayed was recorded on a real kernel by `scripts/record-incidents.ts`; everything from the sample on is the agent itself.
 */
import { mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { AlarmWatch } from "../src/agent/alarm-watch.ts";
import { systemClock } from "../src/clock.ts";
import { languageOf } from "../src/terminal/command.ts";
import { AGENT_OPTIONS } from "../src/config.ts";
import { alarmRules } from "../src/core/alarm-rules.ts";
import type { Text } from "../src/core/text.ts";
import { DriftWatch } from "../src/agent/drift-watch.ts";
import { readCapture } from "../src/host/capture.ts";
import type { Host } from "../src/host/host.ts";
import { type Incident, IncidentRecorder } from "../src/agent/incidents.ts";
import { Judge } from "../src/agent/judge.ts";
import { createLogger } from "../src/logger.ts";
import { readOptions } from "../src/options.ts";
import { runWithConsole } from "../src/agent/run-with-console.ts";
import { signalOf } from "../src/signals.ts";
import { RecentPoints } from "../src/store/recent-points.ts";
import { Store } from "../src/store/store.ts";
import { openWebhook } from "../src/agent/webhook-sender.ts";
import { ReplayedHost } from "./replayed-host.ts";

const INCIDENT = fileURLToPath(new URL("../test/fixtures/incidents/story.capture", import.meta.url));
/** The recording is calm for six seconds, overloaded for ten, and calm again: nobody needs to wait for long. */
const START_MS = 2000;
const FREE_PORT = "127.0.0.1:0";

const lang = languageOf(process.env);
const print = (text: Text): void => console.log(text[lang]);

async function demonstrate(dir: string, signal: AbortSignal): Promise<void> {
  print({
    en: [
      "softnet demo: a recorded incident, again and again. Ctrl-C ends it.",
      "",
      "One CPU receives 10,000 packets a second; for ten seconds it is sent 24,000, more than it can take.",
    ].join("\n"),
    zh: [
      "softnet 演示：循环回放一次录制的故障，按 Ctrl-C 结束。",
      "",
      "一个 CPU 每秒接收 1 万个数据包；其中十秒内每秒涌来 2.4 万个，超出其处理能力。",
    ].join("\n"),
  });
  const log = createLogger("error");
  using store = new Store({ dir, limitMb: 64, notice: (line) => log.warn(line) });
  const host = named(new ReplayedHost(readCapture(INCIDENT), systemClock, START_MS), "demo");
  const config = readOptions(AGENT_OPTIONS, process.argv.slice(2), { SOFTNET_CONSOLE: FREE_PORT });
  await runWithConsole(
    {
      host,
      clock: systemClock,
      config,
      store,
      stateDir: dir,
      recent: new RecentPoints(),
      judge: new Judge(host),
      incidents: new IncidentRecorder({
        host,
        clock: systemClock,
        shelf: announcingShelf(),
        dir: join(dir, "captures"),
      }),
      drift: new DriftWatch({ host, dir: config.remedyDir, log }),
      alarms: new AlarmWatch({
        rules: alarmRules({ withSqueezed: false }),
        shelf: { read: () => undefined, write: () => {} },
        log,
      }),
      webhook:
        config.webhook === undefined
          ? undefined
          : openWebhook(config.webhook, {
              clock: systemClock,
              log,
              shelf: { read: () => undefined, write: () => {} },
            }),
      findSink: async () => ({
        missing: { en: "a demonstration tells nobody", zh: "演示不对外发送" },
      }),
      possibleCpus: 2,
      log,
      say: (line) => {
        print(line);
        if (line.en.startsWith("console")) print(WHAT_TO_LOOK_AT);
      },
    },
    signal,
  );
}

const WHAT_TO_LOOK_AT: Text = {
  en: [
    "",
    "Open it and watch, within ten seconds:",
    "  dropped    CPU 1 throws packets away, one to three thousand a second",
    "  squeezed   it ends its passes early, and what waits in its queue grows",
    "  verdict    why: the CPU is full, and all packets go to this one",
    "  plan       what would spread them, the command, and why a longer queue would not help",
    "And when the minute ends:",
    "  alarm      CRITICAL, as --webhook URL would be told",
    "",
    "The same in this terminal: npx softnet watch --replay test/fixtures/incidents/story.capture",
    "",
  ].join("\n"),
  zh: [
    "",
    "打开后十秒之内可以看到：",
    "  丢弃       CPU 1 每秒丢弃一千到三千个数据包",
    "  squeezed   它提前结束每一轮处理，队列不断变长",
    "  结论       原因：该 CPU 已满负荷，而所有数据包都交给它",
    "  计划       如何分散负载、执行命令，以及为什么加长队列没有用",
    "这一分钟结束时：",
    "  报警       严重，同时通知 --webhook URL",
    "",
    "在终端中查看：npx softnet watch --replay test/fixtures/incidents/story.capture",
    "",
  ].join("\n"),
};

/** Keeps the changes of the verdict for the console, and says each here too. */
function announcingShelf(): {
  read: () => readonly Incident[];
  write: (incidents: readonly Incident[]) => void;
} {
  let kept: readonly Incident[] = [];
  let announced = 0;
  return {
    read: () => kept,
    write: (incidents) => {
      kept = incidents;
      for (; announced < kept.length; announced++) {
        const { atMs, event, summary } = kept[announced]!;
        const time = new Date(atMs).toTimeString().slice(0, 8);
        console.log(`${time}  ${event}${summary ? `: ${summary[lang]}` : ""}`);
      }
    },
  };
}

/** The recording does not say whose machine it was. */
function named(host: Host, name: string): Host {
  return {
    read: (path) =>
      path === "/proc/sys/kernel/hostname" ? new TextEncoder().encode(`${name}\n`) : host.read(path),
    list: (dir) => host.list(dir),
  };
}

using state = mkdtempDisposableSync(join(tmpdir(), "softnet-demo-"));
await demonstrate(
  state.path,
  signalOf(process, () => performance.now()),
);
