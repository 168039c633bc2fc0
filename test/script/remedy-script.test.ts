import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";

import {
  MAX_SCRIPT_BYTES,
  renderApply,
  renderPersist,
  renderPortable,
  renderTakeBack,
  renderUndo,
  type ValueChange,
} from "../../src/core/remedy-script.ts";
import { skipWithout } from "../support/needs.ts";
import { inSandbox, SHELLS, skip } from "./sandbox.ts";

const raised: ValueChange = { kind: "sysctl", name: "netdev_max_backlog", from: 1000, to: 5000 };
const spread: readonly ValueChange[] = [0, 1, 2, 3].map((queue) => ({
  kind: "rps",
  device: "v0",
  queue,
  from: 0n,
  to: 1n,
  possibleCpus: 1,
}));

const scripts = {
  apply: renderApply([raised, ...spread]),
  persist: renderPersist({
    conf: [{ name: "netdev_max_backlog", to: 5000, from: null }],
    masks: [{ device: "v0", mask: 1n, possibleCpus: 1 }],
  }),
  "persist-over-2000": renderPersist({
    conf: [{ name: "netdev_max_backlog", to: 5000, from: 2000 }],
    masks: [],
  }),
  // Of a second run, which found what the first had set.
  "apply-more": renderApply([{ ...raised, from: 5000, to: 6000 }]),
  "persist-more": renderPersist({ conf: [{ name: "netdev_max_backlog", to: 6000, from: 5000 }], masks: [] }),
  "persist-otherwise": renderPersist({
    conf: [{ name: "netdev_max_backlog", to: 6000, from: 5000 }],
    masks: [{ device: "v1", mask: 1n, possibleCpus: 1 }],
  }),
  "take-back": renderTakeBack(),
  undo: renderUndo({ force: false }),
  "undo-by-force": renderUndo({ force: true }),
  portable: renderPortable({ backlog: 5000, rps: true }),
  // The largest that a flag may ask for.
  "portable-most": renderPortable({ backlog: 1_000_000, rps: true }),
  "portable-backlog": renderPortable({ backlog: 5000, rps: false }),
};

describe("every rendered script", () => {
  for (const [name, text] of Object.entries(scripts)) {
    test(`${name} fits into Cloud Assistant and is no template`, () => {
      assert.ok(Buffer.byteLength(text) <= MAX_SCRIPT_BYTES, `${Buffer.byteLength(text)} bytes`);
      assert.ok(!text.includes("{{"));
      assert.match(text, /^#!\/bin\/sh\n/);
    });

    test(`${name} is clean to ShellCheck`, { skip: skipWithout("shellcheck") }, () => {
      const { status, stdout } = spawnSync("shellcheck", ["--format=gcc", "-"], {
        input: text,
        encoding: "utf8",
      });
      assert.equal(status, 0, stdout);
    });
  }
});

describe("only what is safe in a shell is rendered", () => {
  for (const device of ["eth0; reboot", "$(reboot)", "-e", "a/b", "", "sixteen-letters-"]) {
    test(`no interface ${JSON.stringify(device)}`, () => {
      assert.throws(() => renderApply([{ ...spread[0]!, device } as ValueChange]), RangeError);
    });
  }

  for (const to of [1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    test(`no value ${to}`, () => {
      assert.throws(() => renderApply([{ ...raised, to }]), RangeError);
    });
  }
});

/** As `printf %b` takes them. */
const confs: Readonly<Record<string, string>> = {
  "without the key": "vm.swappiness = 1\\n",
  "without a last line's end": "vm.swappiness = 1",
  "with the key in the middle": "# a\\n  net.core.netdev_max_backlog=2000 \\nvm.swappiness = 1\\n",
  "with the key last, without a line's end": "vm.swappiness = 1\\nnet.core.netdev_max_backlog = 2000",
  "of another system's line ends": "# a\\r\\nnet.core.netdev_max_backlog = 2000\\r\\nvm.swappiness = 1\\r\\n",
  "with the key in another form": "-net/core/netdev_max_backlog = 2000\\n#net.core.netdev_max_backlog = 7\\n",
  "with the key twice":
    "net.core.netdev_max_backlog=1\\nvm.swappiness=1\\nnet.core.netdev_max_backlog=2000\\n",
  "that is empty": "",
  "with bytes of no encoding":
    "# \\377/&\\\\\\\\\\n net.core.netdev_max_backlog = 2000 # /&\\\\\\\\1 \\377\\n",
};

interface Failure {
  readonly name: string;
  readonly script: string;
  readonly before: string;
  readonly run?: string;
  readonly code: number;
  readonly says: RegExp;
}

/** What a failed write is called is a matter of the shell and its programs. */
const failedWrites: readonly Failure[] = [
  {
    name: "a read-only /proc/sys",
    script: "apply",
    before: "mount -o remount,ro /proc/sys/net/core",
    code: 4,
    says: /^softnet remedy: net\.core\.netdev_max_backlog: Read-only file system/,
  },
  {
    name: "a read-only /sys, after the backlog was set",
    script: "apply",
    before: "mount -o remount,ro /sys",
    code: 4,
    says: /^softnet remedy: \/sys\/class\/net\/v0\/queues\/rx-0\/rps_cpus: Read-only file system/,
  },
  {
    name: "EPERM",
    script: "apply",
    before: "",
    run: "setpriv --bounding-set=-net_admin",
    code: 4,
    says: /rx-0\/rps_cpus: Operation not permitted/,
  },
  {
    name: "EOVERFLOW",
    script: "apply-beyond",
    before: "",
    code: 5,
    says: /rx-0\/rps_cpus: Value too large for (defined )?data type/,
  },
  {
    name: "a read-only /etc/sysctl.d",
    script: "persist",
    before: "mount --bind /etc/sysctl.d /etc/sysctl.d; mount -o remount,bind,ro /etc/sysctl.d",
    code: 4,
    says: /99-network-tuning\.conf: Read-only file system/,
  },
  {
    name: "a full disk under the journal",
    script: "apply",
    before:
      'mkdir "$SOFTNET_REMEDY_DIR"; mount -t tmpfs -o size=4k,mode=755 tmpfs "$SOFTNET_REMEDY_DIR"; dd if=/dev/zero of="$SOFTNET_REMEDY_DIR/x" 2> /dev/null',
    code: 6,
    says: /No space left on device/,
  },
  {
    name: "a full disk under /etc/sysctl.d",
    script: "persist",
    before: "mount -t tmpfs -o size=4k tmpfs /etc/sysctl.d; dd if=/dev/zero of=/etc/sysctl.d/x 2> /dev/null",
    code: 6,
    says: /99-network-tuning\.conf: No space left on device/,
  },
  {
    name: "a full disk under the journal of the portable runbook",
    script: "portable",
    before: "mount -t tmpfs -o size=4k tmpfs /etc/sysctl.d; dd if=/dev/zero of=/etc/sysctl.d/x 2> /dev/null",
    code: 6,
    says: /99-network-tuning\.conf: No space left on device/,
  },
  {
    name: "a conf that is a mount, as in a container, after everything else was set and written",
    script: "portable",
    before: 'echo "# mine" | tee "$conf" > "$PLACE/conf"; mount --bind "$PLACE/conf" "$conf"',
    code: 6,
    says: /99-network-tuning\.conf: Device or resource busy$/,
  },
  {
    name: "an immutable conf, after everything else was set and written",
    script: "portable",
    before: 'echo "# mine" > "$conf"; chattr +i "$conf" || { echo skip; exit 0; }',
    code: 6,
    says: /99-network-tuning\.conf: Operation not permitted$/,
  },
  {
    name: "an immutable conf, after the files of an earlier run were replaced",
    script: "persist-otherwise",
    before:
      'for script in apply persist apply-more; do dash "$PLACE/bin/$script" > "$PLACE/out"; done; chattr +i "$conf" || { echo skip; exit 0; }',
    code: 6,
    says: /99-network-tuning\.conf: Operation not permitted$/,
  },
  {
    name: "something in the place of the unit's link",
    script: "persist",
    before: "echo mine > /etc/systemd/system/multi-user.target.wants",
    code: 6,
    says: /softnet-remedy\.service: (File exists|Not a directory)$/,
  },
];

/** What a script looks for by itself. */
const otherFailures: readonly Failure[] = [
  {
    name: "a link in the place of the file",
    script: "persist",
    before: 'ln -s /etc/passwd "$conf"',
    code: 6,
    says: /99-network-tuning\.conf is no regular file: it stays/,
  },
  {
    name: "somebody's own file in the place of ours",
    script: "persist",
    before: "echo mine > /usr/local/sbin/softnet-rps",
    code: 6,
    says: /softnet-rps is not as softnet remedy left it: it stays/,
  },
  {
    name: "a journal folder that is a link",
    script: "apply",
    before: 'mkdir "$PLACE/elsewhere"; ln -s "$PLACE/elsewhere" "$SOFTNET_REMEDY_DIR"',
    code: 8,
    says: /expected a directory that only you can write to/,
  },
  {
    name: "a journal folder that is a link, with a slash behind it",
    script: "apply",
    before:
      'mkdir "$PLACE/elsewhere"; ln -s "$PLACE/elsewhere" "$SOFTNET_REMEDY_DIR"; SOFTNET_REMEDY_DIR=$SOFTNET_REMEDY_DIR//',
    code: 8,
    says: /expected a directory that only you can write to/,
  },
  {
    name: "a journal folder that others can write to",
    script: "apply",
    before: 'mkdir -m 777 "$SOFTNET_REMEDY_DIR"',
    code: 8,
    says: /expected a directory that only you can write to/,
  },
  {
    name: "a journal folder of somebody else",
    script: "apply",
    before: 'mkdir "$SOFTNET_REMEDY_DIR"; chown 1000 "$SOFTNET_REMEDY_DIR"',
    code: 8,
    says: /expected a directory that only you can write to/,
  },
  {
    name: "a journal that is a link",
    script: "apply",
    before: 'mkdir "$SOFTNET_REMEDY_DIR"; ln -s /etc/passwd "$SOFTNET_REMEDY_DIR/journal"',
    code: 8,
    says: /expected a journal of softnet remedy/,
  },
  {
    name: "another run at work",
    script: "apply",
    before: `mkdir "$SOFTNET_REMEDY_DIR"
      sleep 60 &
      echo $! "$(cat /proc/sys/kernel/random/boot_id)" "$(cut -d ' ' -f 22 /proc/$!/stat)" > "$SOFTNET_REMEDY_DIR/lock"`,
    code: 7,
    says: /another run is at work \(process \d+\)/,
  },
  {
    name: "an interface that is gone",
    script: "apply",
    before: "ip link delete v0",
    code: 5,
    says: /v0\/queues\/rx-0\/rps_cpus is not there/,
  },
  {
    name: "another network namespace",
    script: "apply",
    before: 'rm "$backlog"',
    code: 5,
    says: /netdev_max_backlog is not there: another network namespace/,
  },
];

for (const sh of SHELLS) {
  describe(sh, { skip, concurrency: true }, () => {
    const run = async (script: string): Promise<string> =>
      inSandbox(`run() { ${sh} "$PLACE/bin/$1" > "$PLACE/out" 2> "$PLACE/err"; }\n${script}`, scripts);

    test("applies, persists and undoes", async () => {
      await run(`
        snapshot > "$PLACE/before"
        run apply
        expect "the backlog set" [ "$(cat "$backlog")" = 5000 ]
        expect "every queue set" [ "$(cat "$masks"/rx-*/rps_cpus | tr -d '0\\n')" = 1111 ]
        run persist
        expect "the sysctl kept" grep -qx 'net.core.netdev_max_backlog = 5000' "$conf"
        expect "the masks kept" grep -q '^v0 .* 1$' /usr/local/sbin/softnet-rps
        expect "the unit on" [ -e /etc/systemd/system/multi-user.target.wants/softnet-remedy.service ]
        run undo
        snapshot > "$PLACE/after"
        expect "everything as before" diff "$PLACE/before" "$PLACE/after"
        expect "no journal" [ ! -e "$SOFTNET_REMEDY_DIR/journal" ]
        expect "no lock" [ "$(ls "$SOFTNET_REMEDY_DIR")" = audit.jsonl ]
      `);
    });

    test("ends with one line of JSON, and notes it in the audit", async () => {
      const printed = await run(`
        run apply
        tail -n 1 "$PLACE/out"
        run apply
        run undo
        cat "$SOFTNET_REMEDY_DIR/audit.jsonl"
      `);
      const [result, ...audit] = printed
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      assert.deepEqual(result, {
        schemaVersion: 1,
        script: "apply",
        exitCode: 0,
        message: "set at run time",
        changed: [
          "net.core.netdev_max_backlog",
          ...[0, 1, 2, 3].map((queue) => `/sys/class/net/v0/queues/rx-${queue}/rps_cpus`),
        ],
        left: [],
      });
      assert.deepEqual(
        audit.map(({ script, message }) => [script, message]),
        [
          ["apply", "set at run time"],
          ["apply", "there was nothing to change"],
          ["undo", "undone"],
        ],
      );
    });

    test("leaves every other byte of a file, whatever is in it", async () => {
      const each = Object.entries(confs).map(([how, content]) => {
        const script = content.includes("2000") ? "persist-over-2000" : "persist";
        return `
          printf '%b' '${content}' > "$conf"
          chmod 640 "$conf"
          chown 12:34 "$conf"
          snapshot > "$PLACE/before"
          cp "$conf" "$PLACE/conf"
          run apply
          run ${script}
          code=$?
          expect "to succeed ${how}" [ "$code" = 0 ]
          expect "mode and owner ${how}" [ "$(stat -c '%a %u:%g' "$conf")" = '640 12:34' ]
          expect "our value last ${how}" [ "$(grep -E '^ *-?net.core.netdev_max_backlog *=' "$conf" | tail -n 1)" = 'net.core.netdev_max_backlog = 5000' ]
          diff <(grep -av 'netdev_max_backlog.*2000' "$PLACE/conf") <(grep -av 'netdev_max_backlog = 5000' "$conf") > "$PLACE/diff"
          expect "no other line changed ${how}" [ "$(grep -c '^[<>]' "$PLACE/diff")" = 0 ]
          run undo
          snapshot > "$PLACE/after"
          expect "everything as before ${how}" diff "$PLACE/before" "$PLACE/after"`;
      });
      await run(each.join("\n"));
    });

    test("makes the folders that it needs, and takes them away", async () => {
      await run(`
        rm -rf /etc/udev /etc/sysctl.d /usr/local/sbin
        snapshot > "$PLACE/before" 2> "$PLACE/missing"
        run apply
        run persist
        expect "persist to succeed" [ "$?" = 0 ]
        expect "rules" [ -s /etc/udev/rules.d/90-softnet-remedy.rules ]
        run undo
        snapshot > "$PLACE/after" 2> "$PLACE/missing"
        expect "everything as before" diff "$PLACE/before" "$PLACE/after"
      `);
    });

    test("keeps the first originals over a second run", async () => {
      await run(`
        snapshot > "$PLACE/before"
        run apply; run persist; run apply-more; run persist-more
        expect "the second value" [ "$(cat "$backlog")" = 6000 ]
        expect "it kept" grep -qx 'net.core.netdev_max_backlog = 6000' "$conf"
        expect "the masks still kept" grep -q '^v0 .* 1$' /usr/local/sbin/softnet-rps
        run undo
        snapshot > "$PLACE/after"
        expect "everything as at first" diff "$PLACE/before" "$PLACE/after"
      `);
    });

    test("takes back the last run only", async () => {
      await run(`
        run apply; run persist
        snapshot > "$PLACE/before"
        cp "$SOFTNET_REMEDY_DIR/journal" "$PLACE/journal"
        run apply-more
        run take-back
        expect "take-back to succeed" [ "$?" = 0 ]
        snapshot > "$PLACE/after"
        expect "everything as after the first run" diff "$PLACE/before" "$PLACE/after"
        expect "the journal too" cmp "$PLACE/journal" "$SOFTNET_REMEDY_DIR/journal"
      `);
    });

    test("takes back no earlier run where somebody else has set the planned value", async () => {
      await run(`
        snapshot > "$PLACE/before"
        run apply; run persist
        echo 6000 > "$backlog"
        cp "$SOFTNET_REMEDY_DIR/journal" "$PLACE/journal"
        run apply-more
        expect "nothing to change" grep -q 'there was nothing to change' "$PLACE/out"
        run take-back
        expect "their value" [ "$(cat "$backlog")" = 6000 ]
        expect "the masks of the first run" [ "$(cat "$masks"/rx-*/rps_cpus | tr -d '0\\n')" = 1111 ]
        expect "the journal of the first run" cmp "$PLACE/journal" "$SOFTNET_REMEDY_DIR/journal"
        echo 5000 > "$backlog"
        run undo
        snapshot > "$PLACE/after"
        expect "everything as before" diff "$PLACE/before" "$PLACE/after"
      `);
    });

    test("takes back no run that was kept", async () => {
      await run(`
        run apply; run persist
        snapshot > "$PLACE/before"
        cp "$SOFTNET_REMEDY_DIR/journal" "$PLACE/journal"
        run take-back
        expect "exit 0" [ "$?" = 0 ]
        snapshot > "$PLACE/after"
        expect "everything as it was" diff "$PLACE/before" "$PLACE/after"
        expect "the journal too" cmp "$PLACE/journal" "$SOFTNET_REMEDY_DIR/journal"
      `);
    });

    test("stops where somebody has changed a value since it was planned", async () => {
      await run(`
        echo 2500 > "$backlog"
        snapshot > "$PLACE/before"
        run apply
        expect "exit 3" [ "$?" = 3 ]
        expect "one line that says it" [ "$(cat "$PLACE/err")" = "softnet remedy: net.core.netdev_max_backlog was 1000 when this was planned and is now 2500: somebody else changed it" ]
        snapshot > "$PLACE/after"
        expect "nothing changed" diff "$PLACE/before" "$PLACE/after"
        expect "no journal" [ ! -e "$SOFTNET_REMEDY_DIR/journal" ]
      `);
    });

    test("stops where somebody has changed the file since it was planned", async () => {
      await run(`
        run apply
        echo 'net.core.netdev_max_backlog = 4000' > "$conf"
        snapshot > "$PLACE/before"
        run persist
        expect "exit 3" [ "$?" = 3 ]
        snapshot > "$PLACE/after"
        expect "nothing changed" diff "$PLACE/before" "$PLACE/after"
      `);
    });

    test("leaves what somebody else has changed since, names it, and undoes the rest", async () => {
      await run(`
        snapshot > "$PLACE/before"
        run apply; run persist
        echo 7000 > "$backlog"
        echo 0 > "$masks/rx-2/rps_cpus"
        sed -i 's/ 5000/ 7000/; $ a vm.swappiness = 1' "$conf"
        echo '# mine' >> /etc/systemd/system/softnet-remedy.service
        run undo
        expect "exit 2" [ "$?" = 2 ]
        expect "their value" [ "$(cat "$backlog")" = 7000 ]
        expect "their lines" [ "$(tail -n 2 "$conf" | tr '\\n' ,)" = 'net.core.netdev_max_backlog = 7000,vm.swappiness = 1,' ]
        expect "their unit" grep -q mine /etc/systemd/system/softnet-remedy.service
        expect "three lines that name them" [ "$(grep -c 'somebody else' "$PLACE/err")" = 3 ]
        expect "the masks undone" [ "$(cat "$masks"/rx-*/rps_cpus | tr -d '0\\n')" = '' ]
        expect "the rest gone" [ ! -e /usr/local/sbin/softnet-rps ]
        run undo-by-force
        expect "exit 0" [ "$?" = 0 ]
        expect "only the other's line" [ "$(grep -v '^#' "$conf")" = 'vm.swappiness = 1' ]
        rm "$conf"
        snapshot > "$PLACE/after"
        expect "everything as before" diff "$PLACE/before" "$PLACE/after"
      `);
    });

    test("keeps the other's edits of a file when it takes its line back", async () => {
      await run(`
        printf 'vm.swappiness = 1\\nnet.core.netdev_max_backlog = 2000\\n' > "$conf"
        run apply; run persist-over-2000
        echo 'vm.overcommit_memory = 1' >> "$conf"
        run undo
        expect "exit 0" [ "$?" = 0 ]
        expect "their edit and the original line" [ "$(tr '\\n' , < "$conf")" = 'vm.swappiness = 1,net.core.netdev_max_backlog = 2000,vm.overcommit_memory = 1,' ]
      `);
    });

    test("names an original line that is gone with ours, and puts it back by force", async () => {
      await run(`
        printf '# mine\\nnet.core.netdev_max_backlog = 2000' > "$conf"
        snapshot > "$PLACE/before"
        for gone in 'sed -i /netdev_max_backlog/d' rm; do
          run apply; run persist-over-2000
          $gone "$conf"
          run undo
          expect "exit 2 after $gone" [ "$?" = 2 ]
          expect "a line that names it after $gone" grep -q '99-network-tuning.conf: somebody else changed net.core.netdev_max_backlog in it' "$PLACE/err"
          run undo-by-force
          expect "exit 0 after $gone" [ "$?" = 0 ]
          expect "the original line after $gone" grep -qx 'net.core.netdev_max_backlog = 2000' "$conf"
          expect "no journal after $gone" [ ! -e "$SOFTNET_REMEDY_DIR/journal" ]
          [ "$gone" = rm ] && break
          snapshot > "$PLACE/after"
          expect "everything as before" diff "$PLACE/before" "$PLACE/after"
        done
      `);
    });

    test("does not miss a line that somebody else removed and that was not there before", async () => {
      await run(`
        snapshot > "$PLACE/before"
        run apply; run persist
        sed -i /netdev_max_backlog/d "$conf"
        run undo
        expect "exit 0" [ "$?" = 0 ]
        snapshot > "$PLACE/after"
        expect "everything as before" diff "$PLACE/before" "$PLACE/after"
      `);
    });

    for (const [what, lock, unlock] of [
      [
        "read-only /etc",
        "mount --bind /etc/sysctl.d /etc/sysctl.d; mount -o remount,bind,ro /etc/sysctl.d",
        "umount /etc/sysctl.d",
      ],
      // Not every file system has that.
      ["immutable conf", 'chattr +i "$conf" || exit 0', 'chattr -i "$conf"'],
    ] as const) {
      for (const original of ["", "net.core.netdev_max_backlog = 2000\\n"]) {
        test(`${what} at undo, of a file ${original ? "that was edited" : "of ours"}: left, named and not forgotten`, async () => {
          await run(`
            printf '${original}' > "$conf"
            [ -s "$conf" ] || rm "$conf"
            snapshot > "$PLACE/before"
            run apply; run ${original ? "persist-over-2000" : "persist"}
            ${lock}
            run undo
            expect "exit 2" [ "$?" = 2 ]
            expect "one line that names it" [ "$(grep -c '99-network-tuning.conf: cannot be put back: [OR]' "$PLACE/err")" = 1 ]
            expect "our line still there" grep -qx 'net.core.netdev_max_backlog = 5000' "$conf"
            expect "nothing beside it" [ "$(ls /etc/sysctl.d)" = 99-network-tuning.conf ]
            ${unlock}
            run undo
            expect "exit 0" [ "$?" = 0 ]
            snapshot > "$PLACE/after"
            expect "everything as before" diff "$PLACE/before" "$PLACE/after"
          `);
        });
      }
    }

    test("the runbook persists a backlog that somebody else has set, or an earlier run that was killed", async () => {
      await run(`
        echo 5000 > "$backlog"
        snapshot > "$PLACE/before"
        run portable
        expect "the line" grep -qx 'net.core.netdev_max_backlog = 5000' "$conf"
        run undo
        snapshot > "$PLACE/after"
        expect "everything as before" diff "$PLACE/before" "$PLACE/after"
        echo 1000 > "$backlog"
        snapshot > "$PLACE/before"
        sed 's/^write_files$/kill -KILL $$/' "$PLACE/bin/portable" > "$PLACE/bin/killed"
        run killed
        expect "no file yet" [ ! -e "$conf" ]
        run portable
        expect "the line" grep -qx 'net.core.netdev_max_backlog = 5000' "$conf"
        run undo
        snapshot > "$PLACE/after"
        expect "everything as before" diff "$PLACE/before" "$PLACE/after"
      `);
    });

    test("the runbook leaves a backlog that is larger, and does not say that it lasts", async () => {
      await run(`
        for now in 8000 -1; do
          echo "$now" > "$backlog"
          run portable
          expect "exit 0" [ "$?" = 0 ]
          expect "it as it was" [ "$(cat "$backlog")" = "$now" ]
          expect "no line" [ ! -e "$conf" ]
          expect "that it is said" grep -q "but for the backlog, which is $now already" "$PLACE/out"
          run undo
          run portable-backlog
          expect "exit 0" [ "$?" = 0 ]
          expect "no word of anything set" grep -q '"message":"nothing was changed: the backlog is '"$now"' already","changed":\\[\\]' "$PLACE/out"
          expect "no lock, no journal" [ "$(ls "$SOFTNET_REMEDY_DIR")" = audit.jsonl ]
        done
        echo 1000 > "$backlog"
        echo 'net.core.netdev_max_backlog = 8000' > "$conf"
        run portable
        expect "their line" [ "$(cat "$conf")" = 'net.core.netdev_max_backlog = 8000' ]
      `);
    });

    test("read-only /etc/systemd at undo: the unit is left, named once and not forgotten", async () => {
      await run(`
        snapshot > "$PLACE/before"
        run apply; run persist
        mount --bind /etc/systemd /etc/systemd; mount -o remount,bind,ro /etc/systemd
        run undo
        expect "exit 2" [ "$?" = 2 ]
        expect "one line beside the last" [ "$(sed 's/: .*softnet-remedy.service: cannot be disabled: Read-only.*/ NAMED/' "$PLACE/err" | tr '\\n' ,)" = "softnet remedy NAMED,softnet remedy: undone, but for what is named," ]
        umount /etc/systemd
        run undo
        expect "exit 0" [ "$?" = 0 ]
        snapshot > "$PLACE/after"
        expect "everything as before" diff "$PLACE/before" "$PLACE/after"
      `);
    });

    test("undo goes on where nobody reads any more what it leaves", async () => {
      await run(`
        snapshot > "$PLACE/before"
        run apply; run persist
        echo 'net.core.netdev_max_backlog = 7000' > "$conf"
        {
          until [ -e "$PLACE/closed" ]; do sleep 0.05; done
          ${sh} "$PLACE/bin/undo" 2>&1
          echo "$?" > "$PLACE/code"
        } | { exec <&-; touch "$PLACE/closed"; }
        expect "exit 2" [ "$(cat "$PLACE/code")" = 2 ]
        expect "the backlog" [ "$(cat "$backlog")" = 1000 ]
        expect "no unit" [ ! -e /etc/systemd/system/softnet-remedy.service ]
        expect "no lock" [ "$(ls "$SOFTNET_REMEDY_DIR" | tr '\\n' ,)" = audit.jsonl,journal, ]
        rm "$conf"
        run undo
        expect "exit 0" [ "$?" = 0 ]
        snapshot > "$PLACE/after"
        expect "everything as before" diff "$PLACE/before" "$PLACE/after"
      `);
    });

    test("sets back a queue that came later", async () => {
      await run(`
        run apply; run persist
        ip link add v2 numrxqueues 2 type veth peer name v3
        # As if v0 had been made anew with queues that nobody has noted.
        sed -i '/rx-[23]/d' "$SOFTNET_REMEDY_DIR/journal"
        run undo
        expect "those too" [ "$(cat "$masks"/rx-*/rps_cpus | tr -d '0\\n')" = '' ]
      `);
    });

    const failures = sh === "dash" ? [...failedWrites, ...otherFailures] : failedWrites;
    for (const { name, script, before, run: prefix = "", code, says } of failures) {
      test(`${name}: one clear line, nothing half done`, async (t) => {
        const beyond = renderApply([
          raised,
          { ...spread[0]!, to: 1n << 4000n, possibleCpus: 4001 } as ValueChange,
        ]);
        const printed = await inSandbox(
          `${before}
          ${script === "persist" ? `${sh} "$PLACE/bin/apply" > "$PLACE/out"` : ""}
          journal=$(cat "$SOFTNET_REMEDY_DIR/journal" 2> /dev/null)
          snapshot > "$PLACE/before" 2> /dev/null
          ${prefix} ${sh} "$PLACE/bin/${script}" > "$PLACE/out" 2> "$PLACE/err"
          code=$?
          snapshot > "$PLACE/after" 2> /dev/null
          expect "nothing changed" diff "$PLACE/before" "$PLACE/after"
          expect "the journal as it was" [ "$(cat "$SOFTNET_REMEDY_DIR/journal" 2> /dev/null)" = "$journal" ]
          echo "$code"
          cat "$PLACE/err"
          [ -z "$(jobs -p)" ] || kill $(jobs -p)
          `,
          { ...scripts, "apply-beyond": beyond },
        );
        if (printed === "skip\n") {
          t.skip("no immutable files here");
          return;
        }
        const [printedCode, ...lines] = printed.trim().split("\n");
        assert.match(lines.join("\n"), says);
        assert.equal(lines.length, 1, printed);
        assert.equal(printedCode, String(code));
      });
    }

    test("the lock of a dead run, or of another boot, is no lock", async () => {
      await run(`
        mkdir "$SOFTNET_REMEDY_DIR"
        echo "1 another-boot 1" > "$SOFTNET_REMEDY_DIR/lock"
        run apply
        expect "exit 0" [ "$?" = 0 ]
        sh -c 'echo $$ "$(cat /proc/sys/kernel/random/boot_id)" "$(cut -d " " -f 22 /proc/$$/stat)" > "$SOFTNET_REMEDY_DIR/lock"'
        run undo
        expect "exit 0" [ "$?" = 0 ]
        : > "$SOFTNET_REMEDY_DIR/lock"
        run apply
        expect "exit 0" [ "$?" = 0 ]
      `);
    });

    test("a script whose softnet was killed keeps an undo away until it has ended", async () => {
      await run(`
        snapshot > "$PLACE/before"
        mkdir "$SOFTNET_REMEDY_DIR"
        sed 's/^set_values$/touch "$PLACE\\/noted"; while [ ! -e "$PLACE\\/go" ]; do sleep 0.05; done; set_values/' "$PLACE/bin/apply" > "$PLACE/bin/slow"
        cat > "$PLACE/softnet" << 'END'
        echo $$ "$(cat /proc/sys/kernel/random/boot_id)" "$(cut -d ' ' -f 22 /proc/$$/stat)" > "$SOFTNET_REMEDY_DIR/lock"
        ${sh} "$PLACE/bin/slow" > "$PLACE/slow"
        echo "not killed"
END
        bash "$PLACE/softnet" &
        until [ -e "$PLACE/noted" ]; do sleep 0.05; done
        kill -KILL $!
        wait $! 2> "$PLACE/err"
        run undo
        expect "exit 7" [ "$?" = 7 ]
        expect "the originals still known" grep -q netdev_max_backlog "$SOFTNET_REMEDY_DIR/journal"
        touch "$PLACE/go"
        while [ -e "$SOFTNET_REMEDY_DIR/work" ]; do sleep 0.05; done
        expect "it to have ended well" grep -q '"exitCode":0' "$PLACE/slow"
        run undo
        expect "exit 0" [ "$?" = 0 ]
        snapshot > "$PLACE/after"
        expect "everything as before" diff "$PLACE/before" "$PLACE/after"
        expect "no lock" [ "$(ls "$SOFTNET_REMEDY_DIR")" = audit.jsonl ]
      `);
    });

    test("notes a run on a line of its own after one that a full disk has cut off", async () => {
      await run(`
        mkdir "$SOFTNET_REMEDY_DIR"
        printf '{"time":"2026' > "$SOFTNET_REMEDY_DIR/audit.jsonl"
        run apply; run undo
        expect "three lines" [ "$(wc -l < "$SOFTNET_REMEDY_DIR/audit.jsonl")" = 3 ]
        expect "two of them whole" [ "$(grep -c '^{.*}$' "$SOFTNET_REMEDY_DIR/audit.jsonl")" = 2 ]
      `);
    });

    test("the lock of the process that started it is its own", async () => {
      await run(`
        mkdir "$SOFTNET_REMEDY_DIR"
        echo $$ "$(cat /proc/sys/kernel/random/boot_id)" "$(cut -d ' ' -f 22 /proc/$$/stat)" > "$SOFTNET_REMEDY_DIR/lock"
        run apply
        expect "exit 0" [ "$?" = 0 ]
        expect "the lock still held" grep -q "^$$ " "$SOFTNET_REMEDY_DIR/lock"
      `);
    });
  });
}
