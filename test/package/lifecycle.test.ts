import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";

import { parse } from "yaml";

import { PACKAGE_KINDS, type PackageKind, renderCloudInit } from "../../src/core/cloud-init.ts";
import { parseFirstBootReport } from "../../src/core/first-boot.ts";
import { skipWithout, skipWithoutRoot } from "../support/needs.ts";
import { runInOverlay } from "./overlay.ts";
import { packStub } from "./stubs.ts";

const DROP_IN = "/etc/systemd/system/softnet-agent.service.d/old-systemd.conf";

/** This is no machine of rpm's; and what was not installed by it is still there. */
const RPM = `#!/bin/sh\nexec /usr/bin/rpm "$@" --nodeps --force-debian\n`;
/** Nothing can be started; and where /run/old says so, it is as old as that of Alibaba Cloud Linux 3. */
const SYSTEMCTL = `#!/bin/sh
case $1 in
  restart) ;;
  --version) if [ -e /run/old ]; then echo "systemd 239 (239-82.al8)"; else echo "systemd 252"; fi ;;
  *) exec /usr/bin/systemctl.real "$@" ;;
esac
`;

/** How each kind is put there and taken away by hand, where /mnt holds it. */
const BY_HAND: Readonly<Record<PackageKind, { add: string; remove: string; purge: string }>> = {
  deb: {
    add: "dpkg --install /mnt/first.deb",
    remove: "dpkg --remove softnet-agent",
    purge: "dpkg --purge softnet-agent",
  },
  rpm: {
    add: "rpm --upgrade --replacepkgs /mnt/first.rpm",
    remove: "rpm --erase softnet-agent",
    purge: "rpm --erase softnet-agent\nrm -r /var/lib/softnet /etc/softnet", // as docs/install.md says
  },
  "tar.gz": {
    add: "tar -xzf /mnt/first.tar.gz -C /opt\nsh /opt/softnet-agent-*/install.sh",
    remove: "sh /opt/softnet-agent-*/install.sh remove",
    purge: "sh /opt/softnet-agent-*/install.sh purge\nrm -r /opt/softnet-agent-*",
  },
};

const skip = skipWithoutRoot() || skipWithout("unshare", "dpkg", "rpm", "rpmbuild", "systemctl", "curl");

describe("an installed package", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "softnet-lifecycle-"));
  before(() => {
    for (const says of ["first", "second"]) {
      for (const [kind, path] of Object.entries(packStub(folder, says))) {
        copyFileSync(path, join(folder, `${says}.${kind}`));
      }
    }
    mkdirSync(join(folder, "bin"));
    writeFileSync(join(folder, "bin/rpm"), RPM, { mode: 0o755 });
    writeFileSync(join(folder, "bin/systemctl"), SYSTEMCTL, { mode: 0o755 });
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const kind of PACKAGE_KINDS) {
    const { add, remove, purge } = BY_HAND[kind];

    test(`as a .${kind} is what user-data pins, even in the place of another build of its version`, () => {
      const said = on(`
        ${add}
        softnet
        ${userData("second", kind)}
        softnet
        cat /etc/softnet/first-boot.json`);
      assert.match(said, /^first$/m);
      assert.match(said, /^second$/m);
      const report = parseFirstBootReport(said.split("\n").at(-2)!);
      assert.deepEqual(report && { failures: report.failures, lastStep: report.lastStep }, {
        failures: [],
        lastStep: "start",
      });
    });

    test(`as a .${kind} by user-data is enabled, and its agent may read how the first boot went`, () => {
      const said = on(`
        umask 077
        ${userData("first", kind)}
        systemctl is-enabled softnet-agent
        setpriv --reuid softnet --regid softnet --clear-groups cat /etc/softnet/first-boot.json`);
      assert.match(said, /^enabled\n\{"schemaVersion"/m);
    });

    test(`as a .${kind} put there by somebody who shares no files is open to all, but for its settings`, () => {
      const files = ["/etc/softnet", "/usr/share/doc/softnet-agent", "/etc/softnet/agent.env"];
      const said = on(`
        umask 077
        ${add}
        stat -c '%a %U %n' ${files.join(" ")}`);
      assert.match(said, /^755 root \/etc\/softnet\n755 root \/usr\/share\/.*\n640 root \/.*\.env\n$/m);
    });

    test(`as a .${kind} stays disabled when it was disabled before an upgrade`, () => {
      const said = on(`
        ${add}
        systemctl disable softnet-agent
        ${add}
        systemctl is-enabled softnet-agent || true`);
      assert.match(said, /^disabled$/m);
    });

    test(`as a .${kind} fits itself to the systemd that is there, each time`, () => {
      const look = `cat ${DROP_IN} 2> /dev/null || echo "as it is"`;
      const said = on(`
        touch /run/old
        ${add}
        ${look}
        rm /run/old
        ${add}
        ${look}
        touch /run/old
        ${add}
        ${remove}
        [ -e ${DROP_IN.replace(/\/[^/]*$/, "")} ] || echo gone`);
      assert.match(said, /\[Service\]\nType=simple\nWatchdogSec=0\n(.*\n)*as it is\n(.*\n)*gone\n$/);
    });

    test(`as a .${kind} leaves nothing of user-data's and its own when all of it is removed`, () => {
      const said = on(`
        touch /run/before /run/old
        ${add}
        mkdir -p /var/lib/softnet
        touch /var/lib/softnet/softnet.db
        touch /etc/softnet/first-boot.json /etc/softnet/first-boot.json.said /etc/softnet/remediate.sh
        ${purge}
        echo left:
        find / -xdev -path '*softnet*' ! -path '/var/l*/dpkg/*' ! -path '/mnt/*' -newer /run/before`);
      assert.match(said, /^left:\n$/m);
    });
  }

  /** Runs it where the packages are; fails with what it said when it fails. */
  function on(script: string): string {
    const { status, stdout, stderr } = runInOverlay(
      folder,
      `/usr/bin/rpm --initdb
      mv /usr/bin/systemctl /usr/bin/systemctl.real
      cp /mnt/bin/systemctl /usr/bin
      cp /mnt/bin/rpm /usr/local/bin
      ${script}`,
    );
    assert.equal(status, 0, stdout + stderr);
    return stdout;
  }

  /** What user-data runs to install the package that says so. curl would take the brackets for a range. */
  function userData(says: string, kind: PackageKind): string {
    const path = join(folder, `${says}.${kind}`);
    const named = join(folder, `[${says}].${kind}`);
    copyFileSync(path, named);
    const text = renderCloudInit({
      package: {
        kind,
        url: `file:///mnt/${basename(named)}`,
        sha256: createHash("sha256").update(readFileSync(path)).digest("hex"),
      },
      settings: new Map(),
      tuning: undefined,
    });
    const { runcmd } = parse(text) as { runcmd: readonly string[] };
    writeFileSync(join(folder, "runcmd"), runcmd.join("\n"));
    return "sh /mnt/runcmd";
  }
});
