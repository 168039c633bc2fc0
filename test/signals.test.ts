import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, test } from "node:test";

import { signalOf } from "../src/signals.ts";

/** A process that remembers with what it exited, and its clock. */
function fakeProcess() {
  const exits: number[] = [];
  const clock = { ms: 1000 };
  const process = Object.assign(new EventEmitter(), { exit: (code: number) => void exits.push(code) });
  return { process, clock, exits, signal: signalOf(process, () => clock.ms) };
}

describe("a signal", () => {
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    test(`${name} asks to end in peace`, () => {
      const { process, signal, exits } = fakeProcess();
      process.emit(name);
      assert.equal(signal.reason, name);
      assert.deepEqual(exits, []);
    });
  }

  test("that comes twice at once, as Ctrl-C does under npm, is one", () => {
    const { process, signal, clock, exits } = fakeProcess();
    process.emit("SIGINT");
    clock.ms += 20;
    process.emit("SIGINT");
    assert.equal(signal.reason, "SIGINT");
    assert.deepEqual(exits, []);
  });

  test("that is given again a moment later ends the process at once", () => {
    const { process, clock, exits } = fakeProcess();
    process.emit("SIGINT");
    clock.ms += 1000;
    process.emit("SIGTERM");
    assert.deepEqual(exits, [143]);
  });

  test("of a terminal that is gone asks once, however often it comes", () => {
    const { process, signal, clock, exits } = fakeProcess();
    process.emit("SIGHUP");
    clock.ms += 1000;
    process.emit("SIGHUP");
    assert.equal(signal.reason, "SIGHUP");
    assert.deepEqual(exits, []);
  });
});
