/**
 * `npm run demo`: a recorded incident through the same code as the live agent, over and over until Ctrl-C. It needs neither traffic nor root, touches no cloud,
 * and leaves nothing behind.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { systemClock } from "../src/clock.ts";
import { languageOf } from "../src/command.ts";
import { AGENT_OPTIONS } from "../src/config.ts";
import { readCapture } from "../src/host/capture.ts";
import { IncidentRecorder } from "../src/incidents.ts";
import { Judge } from "../src/judge.ts";
import { createLogger } from "../src/logger.ts";
import { readOptions } from "../src/options.ts";
import { Replay } from "../src/replay.ts";
import { runWithConsole } from "../src/run-with-console.ts";
import type { Text } from "../src/core/text.ts";
import { lockStateDir } from "../src/store/state-dir.ts";
import { RecentPoints } from "../src/store/recent-points.ts";
import { Store } from "../src/store/store.ts";

const STORY = fileURLToPath(new URL("../test/fixtures/incidents/story.capture", import.meta.url));

const INTRODUCTION: Text = {
  en: `A recorded incident, played over and over: six calm seconds, ten in which CPU 1 is overloaded, six calm ones.
Open the console and wait ten seconds: the graph of dropped packets rises, and the verdict says why. Ctrl-C ends.
`,
  zh: `循环播放一次真实记录的事件：平静 6 秒，CPU 1 过载 10 秒，再平静 6 秒。
打开控制台等待十秒：丢包曲线上升，并给出原因。按 Ctrl-C 结束。
`,
};

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort(signal));

const lang = languageOf(process.env);
const dir = mkdtempSync(join(tmpdir(), "softnet-demo-"));
try {
  using _lock = lockStateDir(dir);
  using store = new Store({ dir, limitMb: 16, notice: (line) => console.error(line) });
  const replay = new Replay(readCapture(STORY), systemClock);
  const say = (line: Text): void => console.log(line[lang]);
  say(INTRODUCTION);
  await runWithConsole(
    {
      host: replay,
      clock: replay.clock,
      config: {
        ...readOptions(AGENT_OPTIONS, process.argv.slice(2), {}),
        sink: "local",
      },
      store,
      stateDir: dir,
      recent: new RecentPoints(),
      judge: new Judge(replay),
      incidents: new IncidentRecorder({
        host: replay,
        clock: replay.clock,
        shelf: { read: () => [], write: () => {} },
        dir: join(dir, "captures"),
      }),
      findSink: () =>
        Promise.resolve({ missing: { en: "this is a demonstration", zh: "这是演示" } satisfies Text }),
      possibleCpus: 2,
      log: createLogger("error"),
      say,
    },
    stop.signal,
  );
} finally {
  rmSync(dir, { recursive: true, force: true });
}
