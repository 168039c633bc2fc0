import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { conflictsWith } from "../../src/core/remedies/conflicts.ts";
import { assignmentIn, overridesOf, type TuningFiles } from "../../src/core/tuning-files.ts";

const KEY = "netdev_max_backlog";

describe("a line of sysctl.d sets the key", () => {
  const rows: readonly { readonly text: string; readonly value: string | undefined }[] = [
    { text: "net.core.netdev_max_backlog=1", value: "1" },
    { text: "  net.core.netdev_max_backlog   =  1  ", value: "1" },
    { text: "-net/core/netdev_max_backlog = 1", value: "1" },
    { text: "net.core.netdev_max_backlog = 1\nnet.core.netdev_max_backlog = 2", value: "2" },
    { text: "# net.core.netdev_max_backlog = 1", value: undefined },
    { text: "net.core.netdev_max_backlog_x = 1", value: undefined },
    { text: "net.core.* = 1", value: undefined },
  ];
  for (const { text, value } of rows) {
    test(JSON.stringify(text), () => {
      assert.equal(assignmentIn({ path: "/etc/sysctl.d/a.conf", text }, KEY)?.value, value);
    });
  }
});

describe("a file is read after ours", () => {
  const at = (path: string, value = 1000) => ({ path, text: `# first\nnet.core.${KEY} = ${value}\n` });
  const rows: readonly {
    readonly name: string;
    readonly paths: readonly string[];
    readonly later: readonly string[];
  }[] = [
    {
      name: "by a later name",
      paths: ["/etc/sysctl.d/99-sysctl.conf"],
      later: ["/etc/sysctl.d/99-sysctl.conf"],
    },
    {
      name: "whatever its folder",
      paths: ["/usr/lib/sysctl.d/99-zcloud.conf"],
      later: ["/usr/lib/sysctl.d/99-zcloud.conf"],
    },
    {
      name: "not by an earlier name",
      paths: ["/etc/sysctl.d/50-default.conf", "/run/sysctl.d/99-a.conf"],
      later: [],
    },
    {
      name: "not where one of /etc hides it",
      paths: ["/etc/sysctl.d/99-z.conf", "/usr/lib/sysctl.d/99-z.conf"],
      later: ["/etc/sysctl.d/99-z.conf"],
    },
    { name: "not where ours hides it", paths: ["/usr/lib/sysctl.d/99-network-tuning.conf"], later: [] },
    {
      name: "in order, /etc/sysctl.conf last",
      paths: ["/etc/sysctl.conf", "/run/sysctl.d/zz.conf", "/etc/sysctl.d/99-sysctl.conf"],
      later: ["/etc/sysctl.d/99-sysctl.conf", "/run/sysctl.d/zz.conf", "/etc/sysctl.conf"],
    },
  ];
  for (const { name, paths, later } of rows) {
    test(name, () => {
      const found = overridesOf(
        paths.map((path) => at(path)),
        KEY,
      );
      assert.deepEqual(
        found.map(({ path }) => path),
        later,
      );
      assert.ok(found.every(({ line }) => line === 2));
    });
  }
});

describe("what takes a remedy back is named by file and line", () => {
  const nothing: TuningFiles = {
    sysctl: [],
    rps: [],
    tuned: [],
    tunedReappliesSysctl: true,
    ecsMq: undefined,
    irqbalance: undefined,
  };
  const found = (tuning: Partial<TuningFiles>, { setsMasks = false, isKept = true } = {}) =>
    conflictsWith([{ name: "netdev_max_backlog", to: 5000, isKept }], setsMasks, { ...nothing, ...tuning });
  const codesOf = (tuning: Partial<TuningFiles>, setsMasks = false): readonly string[] =>
    found(tuning, { setsMasks }).map(({ code, where }) => `${code} ${where}`);

  test("a later file with another value", () => {
    const sysctl = [{ path: "/etc/sysctl.conf", text: "\nnet.core.netdev_max_backlog=2222\n" }];
    assert.deepEqual(codesOf({ sysctl }), ["sysctl-overridden /etc/sysctl.conf:2"]);
  });

  test("not one with the same value", () => {
    assert.deepEqual(
      codesOf({ sysctl: [{ path: "/etc/sysctl.conf", text: "net.core.netdev_max_backlog=5000" }] }),
      [],
    );
  });

  test("tuned's profile, the last of its includes that sets it", () => {
    const tuned = [
      { path: "/usr/lib/tuned/base/tuned.conf", text: "[sysctl]\nnet.core.netdev_max_backlog=>1000\n" },
      {
        path: "/etc/tuned/mine/tuned.conf",
        text: "[main]\ninclude=base\n[sysctl]\nnet.core.netdev_max_backlog=2000\n",
      },
    ];
    assert.deepEqual(codesOf({ tuned }), ["tuned /etc/tuned/mine/tuned.conf:4"]);
  });

  describe("tuned's value", () => {
    const rows: readonly { readonly value: string; readonly isConflict: boolean }[] = [
      { value: "1000", isConflict: true },
      { value: "5000", isConflict: false },
      { value: ">1000", isConflict: false },
      { value: ">5000", isConflict: false },
      { value: "> 9000", isConflict: true },
      { value: "<1000", isConflict: true },
      { value: "<9000", isConflict: false },
    ];
    for (const { value, isConflict } of rows) {
      test(`${value} ${isConflict ? "changes" : "leaves"} 5000`, () => {
        const tuned = [{ path: "/etc/tuned/mine/tuned.conf", text: `net.core.netdev_max_backlog=${value}` }];
        assert.equal(codesOf({ tuned }).length, isConflict ? 1 : 0);
      });
    }

    const tuned = [{ path: "/etc/tuned/mine/tuned.conf", text: "net.core.netdev_max_backlog = 1000" }];

    test("gives way to what is kept in sysctl.d, which tuned reads again", () => {
      const [conflict] = found({ tuned });
      assert.equal(conflict?.isLasting, false);
      assert.match(
        conflict.text.en,
        /and then reads sysctl\.d again \(reapply_sysctl\): 5000, which is kept there/,
      );
    });

    for (const [name, tuning, isKept] of [
      ["where it does not", { tuned, tunedReappliesSysctl: false }, true],
      ["where nothing is kept there", { tuned }, false],
    ] as const) {
      test(`stays ${name}`, () => {
        const [conflict] = found(tuning, { isKept });
        assert.equal(conflict?.isLasting, true);
        assert.match(conflict.text.en, /whenever it starts: 5000 is lost then\. Set it there too\.$/);
      });
    }
  });

  test("ecs_mq and irqbalance where masks are set", () => {
    const tuning = { ecsMq: "/etc/udev/rules.d/62-ecs-mq.rules", irqbalance: "/run/irqbalance.pid" };
    assert.deepEqual(codesOf(tuning), []);
    assert.deepEqual(codesOf(tuning, true), [
      "ecs-mq /etc/udev/rules.d/62-ecs-mq.rules",
      "irqbalance /run/irqbalance.pid",
    ]);
  });
});
