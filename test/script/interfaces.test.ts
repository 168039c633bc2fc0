import { describe, test } from "node:test";

import { renderApply, renderPersist, renderPortable, renderUndo } from "../../src/core/remedy-script.ts";
import { inSandbox, SHELLS, skip } from "./sandbox.ts";

const spread = (device: string, from: bigint, to: bigint): string =>
  renderApply([{ kind: "rps", device, queue: 0, from, to, possibleCpus: 2 }]);

const persisted = (device: string, mask: bigint): string =>
  renderPersist({ conf: [], masks: [{ device, mask, possibleCpus: 2 }] });

const scripts = {
  apply: spread("eth0", 0n, 3n),
  persist: persisted("eth0", 3n),
  // Of a second run, when eth0 is called ens5.
  "apply-ens5": spread("ens5", 3n, 1n),
  "persist-ens5": persisted("ens5", 1n),
  // After the runbook.
  "apply-more": spread("eth0", 3n, 1n),
  "persist-more": persisted("eth0", 1n),
  portable: renderPortable({ backlog: undefined, rps: true }),
  undo: renderUndo({ force: false }),
};

/** A model of two NICs on two CPUs, in the place of the kernel's own /sys: virtual interfaces have no device, by which a NIC is known. */
const MODEL = `
umount /sys
mount -t tmpfs tmpfs /sys
mkdir -p /sys/devices/system/cpu
echo 0-1 | tee /sys/devices/system/cpu/possible > /sys/devices/system/cpu/online
for nic in eth0 eth1; do
  mkdir -p "/sys/class/net/$nic/queues/rx-0" "/sys/class/net/$nic/device"
  echo "52:54:00:12:34:5\${nic#eth}" > "/sys/class/net/$nic/address"
  echo 0 > "/sys/class/net/$nic/queues/rx-0/rps_cpus"
done
mask() { cat "/sys/class/net/$1/queues/rx-0/rps_cpus"; }
`;

for (const sh of SHELLS) {
  describe(`${sh}, on a model of two NICs`, { skip, concurrency: true }, () => {
    const run = async (script: string): Promise<string> =>
      inSandbox(
        `${MODEL}
        run() { ${sh} "$PLACE/bin/$1" > "$PLACE/out" 2> "$PLACE/err"; code=$?; expect "$1 to succeed: $(cat "$PLACE/err")" [ "$code" = 0 ]; }
        ${script}`,
        scripts,
      );

    for (const persists of [false, true]) {
      test(`undo knows a NIC that was renamed between two runs${persists ? ", both persisted" : ""}`, async () => {
        await run(`
          run apply
          ${persists ? "run persist" : ""}
          mv /sys/class/net/eth0 /sys/class/net/ens5
          run apply-ens5
          ${persists ? "run persist-ens5" : ""}
          expect "the second mask" [ "$(mask ens5)" = 1 ]
          run undo
          expect "the first original" [ "$(mask ens5)" = 0 ]
          expect "no journal" [ ! -e "$SOFTNET_REMEDY_DIR/journal" ]
        `);
      });
    }

    test("what was planned for one NIC keeps what the runbook persists of the others", async () => {
      await run(`
        run portable
        run apply-more; run persist-more
        for nic in eth0 eth1; do echo 0 > "/sys/class/net/$nic/queues/rx-0/rps_cpus"; done
        ${sh} /usr/local/sbin/softnet-rps
        expect "the planned mask after a reboot" [ "$(mask eth0)" = 1 ]
        expect "the runbook's mask after a reboot" [ "$(mask eth1)" = 3 ]
        run undo
        expect "the originals" [ "$(mask eth0) $(mask eth1)" = "0 0" ]
        expect "no helper" [ ! -e /usr/local/sbin/softnet-rps ]
      `);
    });
  });
}
