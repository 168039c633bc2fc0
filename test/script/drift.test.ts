import assert from "node:assert/strict";
import { test } from "node:test";

import { renderApply, renderPersist, renderPortable, renderUndo } from "../../src/core/remedy-script.ts";
import { inSandbox, skip } from "./sandbox.ts";

const BIN = new URL("../../bin/softnet.js", import.meta.url).pathname;

const scripts = {
  apply: renderApply([
    { kind: "sysctl", name: "netdev_max_backlog", from: 1000, to: 5000 },
    { kind: "rps", device: "v0", queue: 0, from: 0n, to: 1n, possibleCpus: 1 },
  ]),
  persist: renderPersist({
    conf: [{ name: "netdev_max_backlog", to: 5000, from: null }],
    masks: [{ device: "v0", mask: 1n, possibleCpus: 1 }],
  }),
  undo: renderUndo({ force: true }),
  portable: renderPortable({ backlog: 5000, rps: true }),
};

/** What `remedy status` says, each time that `say` is called. */
const SAY = `
say() { "${process.execPath}" "${BIN}" remedy status --json; }
sudo() { "$@"; } # root already
sysctl() { busybox sysctl "$@"; } # there even where procps is not
`;

interface Said {
  readonly changes: readonly { readonly endedByReboot?: true }[];
  readonly files: readonly string[];
  readonly drift: readonly {
    readonly target: string;
    readonly found: string | null;
    readonly mend: string;
  }[];
}

const RULES = "/etc/udev/rules.d/90-softnet-remedy.rules";
const CONF = "/etc/sysctl.d/99-network-tuning.conf";
const MASK = "/sys/class/net/v0/queues/rx-0/rps_cpus";

test(
  "what the scripts set and write is no drift, what is changed since is, and the commands mend it",
  { skip },
  async () => {
    const printed = await inSandbox(
      `${SAY}
    sh "$PLACE/bin/apply" > /dev/null && sh "$PLACE/bin/persist" > /dev/null || exit 1
    say
    echo 2000 > $backlog
    echo 0 > ${MASK}
    echo '# of an operator' >> $conf
    sed -i s/5000/3000/ $conf
    echo '# as well' >> ${RULES}
    say
    mend() { eval "$1" > /dev/null; }
    mend "sudo sysctl -w net.core.netdev_max_backlog=5000"
    mend "echo 1 | sudo tee ${MASK}"
    mend "echo 'net.core.netdev_max_backlog = 5000' | sudo tee -a ${CONF}"
    say
    sh "$PLACE/bin/undo" > /dev/null
    say
    `,
      scripts,
    );
    const [fresh, changed, mended, undone] = printed
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Said);
    assert.ok(fresh!.files.length >= 4, String(fresh!.files));
    assert.deepEqual(fresh!.drift, []);
    assert.deepEqual(
      changed!.drift.map(({ target, found, mend }) => [target, found?.replace(/\d+:/, "N:"), mend]),
      [
        ["net.core.netdev_max_backlog", "2000", "sudo sysctl -w net.core.netdev_max_backlog=5000"],
        [MASK, "0", `echo 1 | sudo tee ${MASK}`],
        [RULES, "checksum N:205", "sudo softnet remedy undo --force"],
        [
          CONF,
          "net.core.netdev_max_backlog = 3000",
          `echo 'net.core.netdev_max_backlog = 5000' | sudo tee -a ${CONF}`,
        ],
      ],
    );
    assert.deepEqual(
      mended!.drift.map(({ target }) => target),
      [RULES],
    );
    assert.deepEqual([undone!.files, undone!.drift], [[], []]);
  },
);

test("what the runbook set is kept over a reboot, however often it was run", { skip }, async () => {
  const printed = await inSandbox(
    `${SAY}
    sh "$PLACE/bin/portable" > /dev/null && sh "$PLACE/bin/portable" > /dev/null || exit 1
    sed -i "s/^\\(run .*\\) $(cat /proc/sys/kernel/random/boot_id)$/\\1 of-another-boot/" "$SOFTNET_REMEDY_DIR/journal"
    expect "the boot of both runs" [ "$(grep -c '^run .* of-another-boot$' "$SOFTNET_REMEDY_DIR/journal")" = 2 ]
    echo 1000 > $backlog
    say
    `,
    scripts,
  );
  const { changes, drift } = JSON.parse(printed) as Said;
  assert.deepEqual(
    changes.map(({ endedByReboot }) => endedByReboot),
    [undefined],
  );
  assert.deepEqual(
    drift.map(({ target, found }) => [target, found]),
    [["net.core.netdev_max_backlog", "1000"]],
  );
});
