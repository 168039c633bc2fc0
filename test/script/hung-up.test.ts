import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";

import { skipWithout } from "../support/needs.ts";
import { inSandbox, skip } from "./sandbox.ts";

const SOFTNET = join(import.meta.dirname, "../../src/main.ts");

/**
 * Runs softnet on a terminal of its own; `script` opens it, and kill -9 of that is what a lost connection looks like: the shell that leads the session dies,
 * and everything before the terminal gets SIGHUP.
 */
const ON_TERMINAL = `
export SOFTNET_IMDS=http://127.0.0.1:9 SOFTNET_SINK=local SOFTNET_CONSOLE=off SOFTNET_STATE_DIR="$PLACE/state/softnet"
ip link set lo up
mkfifo "$PLACE/keys"
cat > "$PLACE/bin/run" << END
(
  trap '' HUP
  '${process.execPath}' '${SOFTNET}' "\\$@"
  echo \\$? > "$PLACE/code"
)
exit
END
until_so() { for _ in $(seq 300); do ! "$@" || return 0; sleep 0.1; done; false; }
lose_terminal_of() { # ARGUMENTS -- COMMAND... that succeeds when it is time
  args=''
  while [ "$1" != -- ]; do args="$args $1"; shift; done
  shift
  script -qc "sh $PLACE/bin/run$args" /dev/null <> "$PLACE/keys" > "$PLACE/shown" 2>&1 &
  until_so "$@"
  expect "something else than: $(cat "$PLACE/shown")" "$@"
  kill -9 $!
  until_so [ -s "$PLACE/code" ]
  cat "$PLACE/code"
}
`;

describe("a terminal that is gone", { skip: skip || skipWithout("script") }, () => {
  test("ends a proof: what was set is taken back", { timeout: 60_000 }, async () => {
    const printed = await inSandbox(
      `${ON_TERMINAL}
      flags="--yes --force --backlog 5000 --rps off --no-persist --for 1 --verify-for 600"
      lose_terminal_of remedy apply $flags -- grep -qx 5000 "$backlog"
      cat "$backlog"
      ls "$SOFTNET_REMEDY_DIR"
      grep -o '"result":"[a-z]*"' "$SOFTNET_REMEDY_DIR/audit.jsonl"`,
      {},
    );
    assert.deepEqual(printed.trim().split("\n"), ["129", "1000", "audit.jsonl", '"result":"interrupted"']);
  });

  test("ends the agent in order", { timeout: 60_000 }, async () => {
    const printed = await inSandbox(
      `${ON_TERMINAL}
      lose_terminal_of run -- grep -q 'First sample' "$PLACE/shown"`,
      {},
    );
    assert.equal(printed, "0\n");
  });
});
