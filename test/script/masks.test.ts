import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { type CpuMask, formatCpuMask } from "../../src/core/cpu-mask.ts";
import { renderApply, renderPersist, renderUndo, type ValueChange } from "../../src/core/remedy-script.ts";
import { PLANNED_HELPER, PORTABLE_HELPER } from "../../src/core/script/helper.ts";
import { fitting } from "../../src/remedy/run-script.ts";
import { inSandbox, SHELLS, skip } from "./sandbox.ts";

const COUNTS = [1, 2, 8, 32, 33, 40, 64, 104, 256, 1024] as const;
const MOST = 1024;

/** What is installed as `softnet-rps`: the runbook's, which chooses by itself, and one planned for the largest machine. */
const scripts = {
  "make-portable": `${PORTABLE_HELPER}\nhelper_text\n`,
  "make-planned": `nl='\n'\nhelper=/none\nbefore=''\nsum() { :; }\n${PLANNED_HELPER}\nset_mask eth0 ${formatCpuMask(allOf(MOST), MOST)}\nhelper_text\n`,
  undo: renderUndo({ force: false }),
  ...Object.fromEntries(COUNTS.map((cpus) => [`off-${cpus}`, `${formatCpuMask(0n, cpus)}\n`])),
  ...Object.fromEntries(
    COUNTS.map((cpus) => [
      `apply-${cpus}`,
      renderApply([{ kind: "rps", device: "eth0", queue: 0, from: 0n, to: allOf(cpus), possibleCpus: cpus }]),
    ]),
  ),
};

/** A model of a machine with so many CPUs and one NIC with one receive queue, in the place of the kernel's own /sys. */
const MODEL = `
become() { # CPUS
  umount /sys 2> /dev/null
  mount -t tmpfs tmpfs /sys
  mkdir -p /sys/devices/system/cpu /sys/class/net/eth0/queues/rx-0 /sys/class/net/eth0/device
  last=$(($1 - 1))
  range=0$([ "$last" = 0 ] || echo "-$last")
  echo "$range" | tee /sys/devices/system/cpu/possible > /sys/devices/system/cpu/online
  echo > /sys/devices/system/cpu/isolated
  echo 52:54:00:12:34:56 > /sys/class/net/eth0/address
  cat "$PLACE/bin/off-$1" > "$queue"
}
queue=/sys/class/net/eth0/queues/rx-0/rps_cpus
`;

for (const sh of SHELLS) {
  describe(`${sh}, on a model of 1 to ${MOST} CPUs`, { skip, concurrency: true }, () => {
    const printedOf = async (each: string): Promise<readonly string[]> => {
      const printed = await inSandbox(
        `${MODEL}\nfor cpus in ${COUNTS.join(" ")}; do become $cpus\n${each}\ndone`,
        scripts,
      );
      return printed.trimEnd().split("\n");
    };

    test("the runbook spreads over all of them, and not where there is one", async () => {
      const masks = await printedOf(`
        ${sh} "$PLACE/bin/make-portable" > "$PLACE/helper"
        echo "$cpus $(${sh} "$PLACE/helper" list)"`);
      const expected = COUNTS.map((cpus) =>
        cpus === 1
          ? "1 "
          : `${cpus} /sys/class/net/eth0/queues/rx-0/rps_cpus ${numberText(allOf(cpus), cpus)}`,
      );
      assert.deepEqual(masks, expected);
    });

    test("a planned mask loses the CPUs that a smaller machine does not have", async () => {
      const masks = await printedOf(`
        ${sh} "$PLACE/bin/make-planned" > "$PLACE/helper"
        ${sh} "$PLACE/helper" list`);
      const numbers = masks.map((line) => BigInt(`0x${line.split(" ")[1]!.replaceAll(",", "")}`));
      assert.deepEqual(numbers, COUNTS.map(allOf));
    });

    test("apply writes the mask as the kernel prints it, and undo the original", async () => {
      const masks = await printedOf(`
        ${sh} "$PLACE/bin/apply-$cpus" > "$PLACE/out"
        cat "$queue"
        ${sh} "$PLACE/bin/undo" > "$PLACE/out"
        expect "the original on $cpus CPUs" cmp "$queue" "$PLACE/bin/off-$cpus"`);
      assert.deepEqual(
        masks,
        COUNTS.map((cpus) => formatCpuMask(allOf(cpus), cpus)),
      );
    });
  });
}

describe("the scripts fit into Cloud Assistant", () => {
  const spread = (cpus: number, queues: number, from: (queue: number) => CpuMask): readonly ValueChange[] =>
    Array.from({ length: queues }, (_, queue) => ({
      kind: "rps",
      device: "eth0",
      queue,
      from: from(queue),
      to: allOf(cpus),
      possibleCpus: cpus,
    }));

  test("for 64 queues on 1024 CPUs", () => {
    const masks = ["eth0", "eth1"].map((device) => ({ device, mask: allOf(MOST), possibleCpus: MOST }));
    const texts = [renderApply(spread(MOST, 64, () => allOf(8))), renderPersist({ conf: [], masks })];
    assert.deepEqual(texts.map(fitting), texts);
  });

  for (const [cpus, queues] of [
    [104, 52],
    [64, 64],
    [128, 64],
    [256, 32],
  ] as const) {
    test(`for ${queues} queues with a mask each on ${cpus} CPUs`, () => {
      const text = renderApply(spread(cpus, queues, (queue) => 1n << BigInt(queue)));
      assert.equal(fitting(text), text);
    });
  }

  test("or are refused, with what to do", () => {
    const text = renderApply(spread(MOST, 64, (queue) => 1n << BigInt(queue * 16)));
    assert.throws(() => fitting(text), { code: "script-too-long", message: /--device names one interface/ });
  });
});

function allOf(cpus: number): CpuMask {
  return (1n << BigInt(cpus)) - 1n;
}

/** The runbook does not pad its highest group. */
function numberText(mask: CpuMask, cpus: number): string {
  return formatCpuMask(mask, cpus).replace(/^0+(?=.)/, "");
}
