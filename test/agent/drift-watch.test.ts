import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { DriftWatch } from "../../src/agent/drift-watch.ts";
import type { Host } from "../../src/host/host.ts";

const DIR = "/var/lib/softnet-remedy";
const JOURNAL = `${DIR}/journal`;
const BACKLOG = "/proc/sys/net/core/netdev_max_backlog";
const MASK = "/sys/class/net/eth0/queues/rx-0/rps_cpus";

/** A machine on which a remedy has set a backlog of 5000 and a mask, and a watch that has looked once. */
function watched() {
  const files = new Map([
    ["/sys/devices/system/cpu/possible", "0-32\n"],
    ["/sys/class/net/eth0/type", "1\n"],
    [BACKLOG, "5000\n"],
    [MASK, "1,ffffffff\n"],
    [
      JOURNAL,
      `softnet-remedy 1\nrun 2026-11-22T20:15:27Z\nsysctl ${BACKLOG} 5000 1000 -\nrps ${MASK} 1ffffffff 0 -\n`,
    ],
  ]);
  const host: Host = {
    read: (path) => {
      const text = files.get(path);
      return text === undefined ? undefined : new TextEncoder().encode(text);
    },
    list: (dir) => [
      ...new Set(
        [...files.keys()]
          .filter((path) => path.startsWith(`${dir}/`))
          .map((path) => path.slice(dir.length + 1).split("/")[0]!),
      ),
    ],
  };
  const logged: string[] = [];
  const note = (line: unknown): void => void logged.push(String(line));
  const watch = new DriftWatch({ host, dir: DIR, log: { info: note, warn: note } });
  return { files, logged, watch };
}

describe("the watch for drift", () => {
  test("says nothing while all is as it was set, however it is padded", () => {
    const { files, logged, watch } = watched();
    watch.check();
    files.set(MASK, "00000001,ffffffff\n");
    watch.check();
    assert.deepEqual([watch.report, logged], [{ settings: [], problem: undefined }, []]);
  });

  test("says once what begins to differ, and once that it no longer does", () => {
    const { files, logged, watch } = watched();
    files.set(BACKLOG, "1000\n");
    watch.check();
    watch.check();
    files.set(BACKLOG, "2000\n");
    watch.check();
    assert.deepEqual(
      watch.report.settings.map(({ target, found }) => [target, found]),
      [["net.core.netdev_max_backlog", "2000"]],
    );
    files.set(BACKLOG, "5000\n");
    watch.check();
    watch.check();
    assert.deepEqual(logged, [
      "No longer as softnet remedy set it: net.core.netdev_max_backlog: expected 5000, got 1000 (sudo sysctl -w net.core.netdev_max_backlog=5000)",
      "As softnet remedy set it again: net.core.netdev_max_backlog",
    ]);
  });

  test("says once that a journal cannot be read, and goes on when it can be", () => {
    const { files, logged, watch } = watched();
    const journal = files.get(JOURNAL)!;
    files.set(BACKLOG, "1000\n");
    files.set(JOURNAL, "\u0000\u0000");
    watch.check();
    watch.check();
    assert.match(
      watch.report.problem ?? "",
      /journal: expected a journal of softnet remedy, got another text$/,
    );
    assert.equal(logged.length, 1);
    files.set(JOURNAL, journal);
    watch.check();
    assert.equal(watch.report.problem, undefined);
    assert.match(logged[1] ?? "", /^No longer as softnet remedy set it/);
  });

  test("is silent where nothing was changed, and where it was all undone", () => {
    const { files, logged, watch } = watched();
    files.set(BACKLOG, "1000\n");
    files.delete(JOURNAL);
    watch.check();
    assert.deepEqual([watch.report.settings, logged], [[], []]);
  });
});
