import assert from "node:assert/strict";
import { describe, test } from "node:test";

import {
  renderApply,
  renderPersist,
  renderPortable,
  renderTakeBack,
  renderUndo,
} from "../../src/core/remedy-script.ts";
import { inSandbox, SHELLS, skip } from "./sandbox.ts";

const scripts = {
  apply: renderApply([
    { kind: "sysctl", name: "netdev_max_backlog", from: 1000, to: 5000 },
    { kind: "rps", device: "v0", queue: 0, from: 0n, to: 1n, possibleCpus: 1 },
    { kind: "rps", device: "v0", queue: 1, from: 0n, to: 1n, possibleCpus: 1 },
  ]),
  persist: renderPersist({
    conf: [{ name: "netdev_max_backlog", to: 5000, from: 2000 }],
    masks: [{ device: "v0", mask: 1n, possibleCpus: 1 }],
  }),
  // Of a second run, which found what the first had set: the first originals are noted already.
  "apply-more": renderApply([{ kind: "sysctl", name: "netdev_max_backlog", from: 5000, to: 6000 }]),
  // It replaces files of the first run.
  "persist-more": renderPersist({
    conf: [{ name: "netdev_max_backlog", to: 6000, from: 5000 }],
    masks: [{ device: "v1", mask: 1n, possibleCpus: 1 }],
  }),
  "take-back": renderTakeBack(),
  portable: renderPortable({ backlog: 5000, rps: true }),
  undo: renderUndo({ force: false }),
};

/** What must be there before each of them. */
const BEFORE: Readonly<Record<string, readonly string[]>> = {
  apply: [],
  persist: ["apply"],
  "apply-more": ["apply", "persist"],
  "persist-more": ["apply", "persist", "apply-more"],
  "take-back": ["apply", "apply-more"],
  portable: [],
  undo: ["apply", "persist"],
};

const SETUP = `
printf '# mine\\nnet.core.netdev_max_backlog = 2000' > "$conf"
chmod 640 "$conf"
snapshot > "$PLACE/before"
check() { # WHEN
  dash "$PLACE/bin/undo" > "$PLACE/out" 2>&1
  code=$?
  expect "undo to succeed $1: $(cat "$PLACE/out")" [ "$code" = 0 ]
  snapshot > "$PLACE/after"
  expect "everything as before $1" diff "$PLACE/before" "$PLACE/after"
  expect "nothing left in the state folder $1" [ "$(ls "$SOFTNET_REMEDY_DIR" | grep -v audit.jsonl)" = '' ]
}
`;

describe("killed with kill -9", { skip, concurrency: true }, () => {
  for (const [name, first] of Object.entries(BEFORE)) {
    test(`${name}, before each command that changes something`, async () => {
      // Bash can stop before its n-th command; the group is killed, as when a container or a session ends.
      const printed = await inSandbox(
        `${SETUP}
        cat > "$PLACE/bin/stop-at" << 'END'
        set -T
        n=0
        trap 'case $BASH_COMMAND in
          dd\\ * | mv\\ * | rm\\ * | rmdir\\ * | ln\\ * | mkdir\\ * | cp\\ * | chmod\\ * | cat\\ * | *\\>*) n=$((n + 1)); [ "$n" -lt "$STOP_AT" ] || kill -KILL -- -$$ ;;
        esac' DEBUG
        . "$1"
END
        k=0 stopped=137
        while [ "$stopped" = 137 ]; do
          k=$((k + 1))
          for script in ${first.join(" ")}; do dash "$PLACE/bin/$script" > "$PLACE/out"; done
          STOP_AT=$k setsid --wait bash "$PLACE/bin/stop-at" "$PLACE/bin/${name}" > "$PLACE/out" 2>&1
          stopped=$?
          check "after ${name} was stopped at its change $k"
        done
        echo "$k"`,
        scripts,
      );
      assert.ok(Number(printed.trim()) > 10, `only ${printed.trim()} steps`);
    });
  }

  for (const sh of SHELLS) {
    test(`seventeen times at any moment, under ${sh}`, async () => {
      await inSandbox(
        `${SETUP}
        for run in $(seq 17); do
          setsid bash -c '${sh} "$PLACE/bin/apply" && ${sh} "$PLACE/bin/persist" && ${sh} "$PLACE/bin/undo"' > "$PLACE/out" 2>&1 &
          delay=0.$(printf %03d $((RANDOM % 400)))
          sleep "$delay"
          kill -KILL -- -$!
          wait $! 2> "$PLACE/err"
          while ps -o stat= -g $! | grep -qv '^Z'; do sleep 0.01; done
          check "after kill $run, $delay s after the start"
        done`,
        scripts,
      );
    });
  }
});
