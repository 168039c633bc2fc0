import type { Clock } from "../src/clock.ts";
import { COLUMN } from "../src/core/softnet-sample.ts";
import type { Capture } from "../src/host/capture.ts";
import { type Host, readText } from "../src/host/host.ts";
import { parseSoftnetStat, SOFTNET_STAT } from "../src/host/softnet-stat.ts";

/** They do not add up from one round to the next. */
const SOFTNET_GAUGES: ReadonlySet<number> = new Set([
  COLUMN.backlogLen,
  COLUMN.cpuId,
  COLUMN.inputQlen,
  COLUMN.processQlen,
]);

/** One file at four moments: at the snapshots around now, and at the two ends of the capture. */
interface Moments {
  readonly before: string;
  readonly after: string;
  readonly first: string;
  readonly last: string;
}

/**
 * A capture as a machine on which it happens again and again.
 *
 * Counters go on from one round to the next, and between two snapshots they grow evenly: whoever samples at other moments
 * than the recorder still reads the recorded rates.
 */
export class ReplayedHost implements Host {
  readonly #snapshots: Capture["snapshots"];
  readonly #clock: Clock;
  readonly #beganMs: number;

  /** @param startMs how far into the capture it begins. */
  constructor({ snapshots }: Capture, clock: Clock, startMs = 0) {
    this.#snapshots = snapshots;
    this.#clock = clock;
    this.#beganMs = clock.monotonicMs() - startMs;
  }

  read(path: string): Uint8Array | undefined {
    const [first, last] = [this.#snapshots[0], this.#snapshots.at(-1)!];
    const passedMs = this.#clock.monotonicMs() - this.#beganMs;
    const roundMs = last.monotonicMs - first.monotonicMs;
    const nowMs = first.monotonicMs + (passedMs % roundMs);
    const next = this.#snapshots.findIndex(({ monotonicMs }) => monotonicMs > nowMs);
    // None is later when the sum was rounded up to the very end.
    const after = this.#snapshots.at(next)!;
    const before = this.#snapshots.at(next - 1)!;
    const moments = {
      before: readText(before, path),
      after: readText(after, path),
      first: readText(first, path),
      last: readText(last, path),
    };
    if (moments.before === undefined) return undefined;
    const share = (nowMs - before.monotonicMs) / (after.monotonicMs - before.monotonicMs);
    const rounds = Math.floor(passedMs / roundMs);
    const text = isWhole(moments)
      ? path === SOFTNET_STAT
        ? softnetStatAt(moments, share, rounds)
        : numbersAt(moments, share, rounds)
      : moments.before;
    return new TextEncoder().encode(text);
  }

  list(dir: string): readonly string[] {
    return this.#snapshots[0].list(dir);
  }
}

function isWhole(moments: Readonly<Record<keyof Moments, string | undefined>>): moments is Moments {
  return Object.values(moments).every((text) => text !== undefined);
}

function softnetStatAt(moments: Moments, share: number, rounds: number): string {
  const { columns } = parseSoftnetStat(new TextEncoder().encode(moments.before));
  return replaced(moments, /[0-9a-f]+/g, ({ before, after, first, last }, at) => {
    if (SOFTNET_GAUGES.has(at % columns)) return before;
    const [from, to, begin, end] = [before, after, first, last].map((word) => Number.parseInt(word, 16));
    // `>>> 0` is the modulo 2^32 of a counter that wraps.
    const grown = Math.floor(share * ((to! - from!) >>> 0)) + rounds * ((end! - begin!) >>> 0);
    return ((from! + grown) >>> 0).toString(16).padStart(before.length, "0");
  });
}

/** A number that never changes is part of a name, or it is a setting. */
function numbersAt(moments: Moments, share: number, rounds: number): string {
  return replaced(moments, /\d+/g, ({ before, after, first, last }) => {
    if (before === after && first === last) return before;
    const [from, to, begin, end] = [before, after, first, last].map(Number);
    return String(from! + Math.floor(share * (to! - from!)) + rounds * (end! - begin!));
  });
}

/** Replaces each word by what it is between the moments. A text of other words than at another moment stays as it is. */
function replaced(moments: Moments, pattern: RegExp, wordAt: (word: Moments, at: number) => string): string {
  const [before, after, first, last] = [moments.before, moments.after, moments.first, moments.last].map(
    (text) => text.match(pattern) ?? [],
  );
  const count = before!.length;
  if ([after, first, last].some((words) => words!.length !== count)) return moments.before;
  let at = 0;
  return moments.before.replace(pattern, (word) => {
    const i = at++;
    return wordAt({ before: word, after: after![i]!, first: first![i]!, last: last![i]! }, i);
  });
}
