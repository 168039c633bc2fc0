import assert from "node:assert/strict";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { readText } from "../../src/host/host.ts";
import { Machine } from "../../src/host/machine.ts";

const SOFTNET_STAT = "/proc/net/softnet_stat";

/** A root directory of its own, with the directory of the file that is kept open. */
function emptyRoot(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), "softnet-machine-"));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "proc/net"), { recursive: true });
  return root;
}

test("a file of the kernel's is read to its end, though one read returns a page", (t) => {
  // Any seq_file longer than a page will do in place of the counters of many CPUs; this one never changes.
  const long = "/proc/kallsyms";
  const root = emptyRoot(t);
  symlinkSync(long, join(root, SOFTNET_STAT));
  const whole = readFileSync(long);
  if (whole.length <= 4096) return t.skip(`${long} is not longer than a page here`);

  const descriptor = openSync(long, "r");
  const first = readSync(descriptor, Buffer.alloc(whole.length));
  closeSync(descriptor);
  assert.ok(first <= 4096, `one read returned ${first} bytes`);

  using machine = new Machine(root);
  // Twice: the descriptor stays open, and the second reading begins at the beginning.
  for (const reading of [1, 2]) {
    assert.ok(whole.equals(machine.read(SOFTNET_STAT)!), `reading ${reading}`);
  }
});

test("a file longer than the buffer is read to its end", (t) => {
  const root = emptyRoot(t);
  const text = Array.from({ length: 1024 }, (_, cpu) => `${`${cpu} `.repeat(27)}\n`).join("");
  writeFileSync(join(root, SOFTNET_STAT), text);
  using machine = new Machine(root);
  assert.equal(readText(machine, SOFTNET_STAT), text);
});

test("this machine's counters are read anew each time", () => {
  using machine = new Machine();
  const before = machine.read(SOFTNET_STAT)!.slice();
  assert.ok(before.length > 0);
  assert.equal(machine.read(SOFTNET_STAT)!.length, before.length);
});

test("the descriptor of this machine's counters stays open, and no other", () => {
  const openFiles = (): number => readdirSync("/proc/self/fd").length;
  using machine = new Machine();
  machine.read(SOFTNET_STAT);
  const after = openFiles();
  for (let i = 0; i < 5; i++) {
    machine.read(SOFTNET_STAT);
    machine.read("/proc/sys/kernel/random/boot_id");
  }
  assert.equal(openFiles(), after);
  machine[Symbol.dispose]();
  assert.equal(openFiles(), after - 1);
});

test("a file below another root may be replaced by a new one of its name", (t) => {
  const root = emptyRoot(t);
  const path = join(root, SOFTNET_STAT);
  writeFileSync(path, "1\n");
  using machine = new Machine(root);
  assert.equal(readText(machine, SOFTNET_STAT), "1\n");
  writeFileSync(`${path}.new`, "2\n");
  renameSync(`${path}.new`, path);
  assert.equal(readText(machine, SOFTNET_STAT), "2\n");
  rmSync(path);
  assert.equal(readText(machine, SOFTNET_STAT), undefined);
});

test("what is absent is undefined or an empty list, whatever the reason", (t) => {
  const root = emptyRoot(t);
  writeFileSync(join(root, "proc/stat"), "");
  mkdirSync(join(root, "sys"));
  using machine = new Machine(root);
  assert.equal(machine.read("/proc/net/nothing"), undefined);
  assert.equal(machine.read("/proc/stat/below-a-file"), undefined);
  assert.equal(machine.read("/sys"), undefined);
  assert.deepEqual(machine.list("/nowhere"), []);
  assert.deepEqual(machine.list("/proc/stat"), []);
});

test("names are listed in their order", (t) => {
  const root = emptyRoot(t);
  for (const name of ["b", "a", "c"]) writeFileSync(join(root, "proc/net", name), "");
  using machine = new Machine(root);
  assert.deepEqual(machine.list("/proc/net"), ["a", "b", "c"]);
});

test("a path through a symbolic link's parent is the kernel's to resolve", (t) => {
  const root = emptyRoot(t);
  mkdirSync(join(root, "pci/virtio"), { recursive: true });
  mkdirSync(join(root, "net"));
  writeFileSync(join(root, "pci/numa_node"), "1\n");
  symlinkSync("../pci/virtio", join(root, "net/device"));
  using machine = new Machine(root);
  assert.equal(readText(machine, "/net/device/../numa_node"), "1\n");
});
