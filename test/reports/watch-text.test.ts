import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { stripVTControlCharacters } from "node:util";

import { frameBetween, troublesWith, type WatchFrame } from "../../src/core/watch.ts";
import { readCapture } from "../../src/host/capture.ts";
import { readHostSettings } from "../../src/host/settings.ts";
import { widthOf } from "../../src/terminal/layout.ts";
import { readingsOfCapture } from "../../src/sampling.ts";
import { watchLines, watchScreen, type WatchView } from "../../src/reports/watch-text.ts";

const STORY = join(import.meta.dirname, "../fixtures/incidents/story.capture");
const { snapshots } = readCapture(STORY);
const readings = readingsOfCapture(snapshots);
const frames = readings.slice(1).map((reading, i) => frameBetween(readings[i]!, reading) as WatchFrame);
const PLAIN = { lang: "en", colours: false } as const;

/** The view after the frame in which the incident is at its height, or of any other one. */
function viewOf(frame = frames.find(({ all }) => all.droppedPerSecond > 1000)!): WatchView {
  return {
    settings: { ...readHostSettings(snapshots[0]), hostname: "web-1" },
    frame,
    troubles: troublesWith(new Map(), frame),
    sum: { sinceMs: frame.takenAtMs - 5000, dropped: 12_345, squeezed: 67 },
    note: undefined,
    replay: undefined,
    isOver: false,
  };
}

/** The same, on a machine of many CPUs of which the last but one drops. */
function largeView(): WatchView {
  const [first] = frames[0]!.cpus;
  const cpus = Array.from({ length: 256 }, (_, cpu) => ({
    ...first!,
    cpu,
    processedPerSecond: 300 - cpu,
    droppedPerSecond: cpu === 254 ? 77 : 0,
  }));
  return viewOf({ ...frames[0]!, cpus });
}

describe("the table on a screen", () => {
  const sizes = [
    { columns: 80, rows: 24 },
    { columns: 60, rows: 12 },
    { columns: 40, rows: 8 },
    { columns: 200, rows: 60 },
  ];
  for (const size of sizes) {
    for (const lang of ["en", "zh"] as const) {
      test(`keeps within ${size.columns} × ${size.rows} (${lang})`, () => {
        for (const view of [viewOf(), largeView()]) {
          const lines = watchScreen(view, size, { lang, colours: false });
          assert.ok(lines.length <= size.rows, `${lines.length} lines`);
          for (const line of lines) assert.ok(widthOf(line) <= size.columns, line);
        }
      });
    }
  }

  test("shows the bad CPU among 256, and counts those that have no place", () => {
    const lines = watchScreen(largeView(), { columns: 100, rows: 24 }, PLAIN);
    assert.match(lines.join("\n"), /^ 254 .* 77 /m);
    assert.match(lines.join("\n"), /^and 240 more CPUs without a loss: [\d,]+ processed\/s$/m);
  });

  test("has the sum first, and says who, when and how much", () => {
    const lines = watchScreen(viewOf(), { columns: 120, rows: 24 }, PLAIN);
    assert.match(
      lines[0]!,
      /^\d\d:\d\d:\d\d · web-1 · Linux \S+ · 2 CPUs · 15 columns · netdev_max_backlog 1000$/,
    );
    assert.match(
      lines[1]!,
      /^ CPU +processed\/s +dropped\/s +squeezed\/s +rps\/s +flow limit\/s +backlog +softirq +steal$/,
    );
    assert.match(lines[2]!, /^ all /);
    assert.match(lines[3]!, /^ {3}0 /);
    assert.match(lines.join("\n"), /since \d\d:\d\d:\d\d: 12,345 packets dropped, 67 passes squeezed/);
  });

  test("is red where packets are dropped and a CPU is full, and plain without colours", () => {
    const coloured = watchScreen(viewOf(), { columns: 120, rows: 24 }, { lang: "en", colours: true });
    const plain = watchScreen(viewOf(), { columns: 120, rows: 24 }, PLAIN);
    const red = coloured.find((line) => stripVTControlCharacters(line).startsWith("   1 "))!;
    const redTexts = red
      .split("\u001b[31m")
      .slice(1)
      .map((rest) => rest.split("\u001b", 1)[0]!.trim());
    assert.equal(redTexts.length, 2, red);
    assert.match(redTexts[0]!, /^[\d,]{4,}$/);
    assert.match(redTexts[1]!, /^\d+ %$/);
    assert.ok(!plain.join("").includes("\u001b"));
    assert.deepEqual(
      coloured.map((line) => stripVTControlCharacters(line)),
      plain,
    );
  });

  test("has no column that the kernel does not print", () => {
    const frame = frames[0]!;
    const old = { receivedRpsPerSecond: undefined, flowLimitPerSecond: undefined, backlog: undefined };
    const view = viewOf({
      ...frame,
      columns: 9,
      all: { ...frame.all, ...old, load: undefined },
      cpus: frame.cpus.map((cpu) => ({ ...cpu, ...old, load: undefined })),
    });
    const head = watchScreen(view, { columns: 120, rows: 24 }, PLAIN)[1]!;
    assert.equal(head.trim().replaceAll(/ +/g, " "), "CPU processed/s dropped/s squeezed/s");
  });

  test("says that a container sees the whole machine, and what came in between", () => {
    const view = viewOf();
    const lines = watchScreen(
      {
        ...view,
        settings: { ...view.settings, inOwnNetworkNamespace: true },
        note: { en: "CPU 3 came online", zh: "CPU 3 已上线" },
      },
      { columns: 120, rows: 24 },
      PLAIN,
    );
    assert.match(
      lines[1]!,
      /^This is a container in its own network namespace: the counters are those of the whole machine/,
    );
    assert.equal(lines[2], "CPU 3 came online");
  });

  test("is a line while nothing is measured yet", () => {
    const lines = watchScreen({ ...viewOf(), frame: undefined }, { columns: 80, rows: 24 }, PLAIN);
    assert.deepEqual(lines.slice(1), ["", "measuring …"]);
  });
});

describe("lines for another program", () => {
  test("have a time, a CPU and a number in each column", () => {
    const { head, rows } = watchLines(frames[7]!, "en");
    assert.deepEqual(head.trim().split(/ +/), [
      "CPU",
      "processed/s",
      "dropped/s",
      "squeezed/s",
      "rps/s",
      "flow_limit/s",
      "backlog",
      "softirq%",
      "steal%",
    ]);
    assert.equal(rows.length, 3);
    for (const row of rows) assert.match(row, /^\d\d:\d\d:\d\d +(all|\d+)( +\d+(\.\d)?){8}$/);
  });
});
