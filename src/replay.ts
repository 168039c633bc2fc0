import type { Clock } from "./clock.ts";
import type { Capture, CapturedHost } from "./host/capture.ts";
import type { Host } from "./host/host.ts";

const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/**
 * A capture played in real time, over and over, as a host with a clock of its own.
 *
 * The clock stands still between two snapshots, so that every rate is the one that was recorded. When the capture begins anew, its counters fall back:
 * that is another boot.
 */
export class Replay implements Host {
  readonly clock: Clock;
  readonly #snapshots: Capture["snapshots"];
  readonly #lengthMs: number;
  readonly #world: Clock;
  readonly #startedAtMs: number;

  constructor({ snapshots }: Capture, world: Clock) {
    this.#snapshots = snapshots;
    const first = snapshots[0];
    const last = snapshots.at(-1)!;
    const stepMs = (last.monotonicMs - first.monotonicMs) / (snapshots.length - 1);
    this.#lengthMs = last.monotonicMs - first.monotonicMs + stepMs;
    this.#world = world;
    // Half a second off the wall clock's seconds, at which samples are taken: no jitter meets a snapshot twice or misses one.
    this.#startedAtMs = world.monotonicMs() - (world.nowMs() % 1000) - 500;
    this.clock = {
      nowMs: () => world.nowMs(),
      monotonicMs: () => {
        const { round, snapshot } = this.#current();
        return this.#startedAtMs + round * this.#lengthMs + (snapshot.monotonicMs - first.monotonicMs);
      },
    };
  }

  read(path: string): Uint8Array | undefined {
    const { round, snapshot } = this.#current();
    return path === BOOT_ID ? new TextEncoder().encode(`round ${round}\n`) : snapshot.read(path);
  }

  list(dir: string): readonly string[] {
    return this.#current().snapshot.list(dir);
  }

  #current(): { readonly round: number; readonly snapshot: CapturedHost } {
    const playedMs = this.#world.monotonicMs() - this.#startedAtMs;
    const round = Math.floor(playedMs / this.#lengthMs);
    const intoMs = playedMs - round * this.#lengthMs;
    const first = this.#snapshots[0];
    const snapshot = this.#snapshots.findLast(({ monotonicMs }) => monotonicMs - first.monotonicMs <= intoMs);
    return { round, snapshot: snapshot ?? first };
  }
}
