import { sumOf } from "../core/rates.ts";
import type { SoftnetDelta } from "../core/delta.ts";
import {
  axisOf,
  type CpuPeak,
  type CpuSeries,
  cpusToDraw,
  raise,
  type Series,
  type SeriesQuery,
  type SeriesSource,
  stepFor,
  unknownColumn,
  worstFirst,
} from "../core/series.ts";

const POINT_MS = 1000;
const POINTS = 3600;

/** A point's samples are closer together than this: a timer that fires 50 ms early must still begin a point of its own. */
const SAME_POINT_MS = 0.75 * POINT_MS;

/** More lines than this nobody looks at in one hour; it bounds the rings to 3.7 MB on a host of any size. */
const MOST_RINGS = 64;

/** A ring changes hands only after its CPU was quiet for this long, or CPUs that take turns would keep no line at all. */
const QUIET_MS = 60_000;

/**
 * The last 60 minutes, a point a second, in memory.
 *
 * The host's ring takes 144 kB from the start. A CPU gets a ring of 57.6 kB at its first drop or squeeze and at most 64 have one, so that
 * 1024 quiet CPUs cost nothing and 1024 busy ones 3.7 MB.
 */
export class RecentPoints implements SeriesSource {
  readonly #timesMs = new Float64Array(POINTS);
  readonly #droppedGrowth = new Float64Array(POINTS);
  readonly #squeezedGrowth = new Float64Array(POINTS);
  readonly #host = new Ring();
  readonly #rings = new Map<number, CpuRing>();
  /** CPUs whose drops or squeezes were not all kept: before their ring begins they are unknown, not zero. */
  readonly #unrecorded = new Set<number>();
  /** No ring could be taken for a drop, or for a squeeze, since the last sample: ask only once a sample. */
  readonly #allTaken = { drops: false, squeezes: false };
  /** Where the next point goes. */
  #next = 0;
  #count = 0;

  /** Adds what one sample brought. Samples of one second share a point, where the largest rate stands. */
  add(delta: SoftnetDelta): void {
    const slot = this.#slotFor(delta.takenAtMs);
    const { elapsedSeconds } = delta;
    const dropped = sumOf(delta.dropped);
    const squeezed = sumOf(delta.timeSqueeze);
    this.#droppedGrowth[slot]! += dropped;
    this.#squeezedGrowth[slot]! += squeezed;
    this.#host.raise(slot, {
      dropped: dropped / elapsedSeconds,
      squeezed: squeezed / elapsedSeconds,
      processed: sumOf(delta.processed) / elapsedSeconds,
      backlog: delta.backlogLen ? sumOf(delta.backlogLen) : Number.NaN,
    });
    this.#allTaken.drops = false;
    this.#allTaken.squeezes = false;
    for (let row = 0; row < delta.cpus.length; row++) {
      const ring = this.#ringOf(delta, row);
      ring?.raise(slot, {
        dropped: delta.dropped[row]! / elapsedSeconds,
        squeezed: delta.timeSqueeze[row]! / elapsedSeconds,
        processed: delta.processed[row]! / elapsedSeconds,
        backlog: delta.backlogLen?.[row] ?? Number.NaN,
      });
    }
  }

  /** Time of the oldest point, epoch milliseconds; undefined before the first. */
  get oldestMs(): number | undefined {
    return this.#count === 0 ? undefined : this.#timesMs[this.#slotAt(0)];
  }

  /** What the rings take in memory. */
  get bytes(): number {
    const host = this.#timesMs.byteLength + this.#droppedGrowth.byteLength + this.#squeezedGrowth.byteLength;
    return [this.#host, ...this.#rings.values()].reduce((bytes, ring) => bytes + ring.bytes, host);
  }

  read(query: SeriesQuery): Series {
    const slots: number[] = [];
    for (let i = 0; i < this.#count; i++) {
      const slot = this.#slotAt(i);
      const atMs = this.#timesMs[slot]!;
      if (atMs >= query.fromMs && atMs <= query.toMs) slots.push(slot);
    }
    const stepMs = slots.length <= query.maxPoints ? 0 : stepFor(query);
    const axis = axisOf(
      slots.map((slot) => this.#timesMs[slot]!),
      stepMs,
      2.5 * Math.max(stepMs, this.#pointMs(slots)),
    );
    const thinned = (values: Float32Array): Float32Array => {
      const column = unknownColumn(axis);
      slots.forEach((slot, i) => raise(column, axis.placeOf[i]!, values[slot]!));
      return column;
    };
    const peaks = this.#peaks(slots);
    const drawn = cpusToDraw(peaks, query);
    const cpus: CpuSeries[] = [];
    for (const [cpu, ring] of this.#rings) {
      if (!drawn.has(cpu)) continue;
      cpus.push({
        cpu,
        dropped: thinned(ring.dropped),
        squeezed: thinned(ring.squeezed),
        processed: thinned(ring.processed),
        backlog: thinned(ring.backlog),
      });
    }
    return {
      timesMs: axis.timesMs,
      stepMs,
      host: {
        dropped: thinned(this.#host.dropped),
        squeezed: thinned(this.#host.squeezed),
        processed: thinned(this.#host.processed),
        backlog: thinned(this.#host.backlog),
      },
      cpus: cpus.toSorted((a, b) => a.cpu - b.cpu),
      peaks,
      droppedSum: slots.reduce((sum, slot) => sum + this.#droppedGrowth[slot]!, 0),
      squeezedSum: slots.reduce((sum, slot) => sum + this.#squeezedGrowth[slot]!, 0),
    };
  }

  #peaks(slots: readonly number[]): readonly CpuPeak[] {
    const peaks: CpuPeak[] = [];
    for (const [cpu, ring] of this.#rings) {
      let dropped = 0;
      let squeezed = 0;
      for (const slot of slots) {
        if (ring.dropped[slot]! > dropped) dropped = ring.dropped[slot]!;
        if (ring.squeezed[slot]! > squeezed) squeezed = ring.squeezed[slot]!;
      }
      if (dropped > 0 || squeezed > 0) peaks.push({ cpu, dropped, squeezed });
    }
    return peaks.toSorted(worstFirst);
  }

  /** Usual distance of two points: the median says it also when some are missing. */
  #pointMs(slots: readonly number[]): number {
    const distances = slots
      .slice(1)
      .map((slot, i) => this.#timesMs[slot]! - this.#timesMs[slots[i]!]!)
      .toSorted((a, b) => a - b);
    return Math.max(POINT_MS, distances[Math.floor(distances.length / 2)] ?? 0);
  }

  #slotAt(index: number): number {
    return (this.#next - this.#count + index + POINTS) % POINTS;
  }

  #slotFor(takenAtMs: number): number {
    // The wall clock was set back: points that now lie in the future would make the axis run backwards.
    while (this.#count > 0 && this.#timesMs[this.#slotAt(this.#count - 1)]! > takenAtMs) {
      this.#next = (this.#next - 1 + POINTS) % POINTS;
      this.#count--;
    }
    if (this.#count > 0) {
      const newest = this.#slotAt(this.#count - 1);
      if (takenAtMs - this.#timesMs[newest]! < SAME_POINT_MS) return newest;
    }
    const slot = this.#next;
    this.#next = (this.#next + 1) % POINTS;
    this.#count = Math.min(this.#count + 1, POINTS);
    this.#timesMs[slot] = takenAtMs;
    this.#droppedGrowth[slot] = 0;
    this.#squeezedGrowth[slot] = 0;
    this.#host.forget(slot);
    for (const ring of this.#rings.values()) ring.forget(slot);
    return slot;
  }

  #ringOf(delta: SoftnetDelta, row: number): CpuRing | undefined {
    const cpu = delta.cpus[row]!;
    const drops = delta.dropped[row]! > 0;
    const squeezes = delta.timeSqueeze[row]! > 0;
    let ring = this.#rings.get(cpu);
    if (!drops && !squeezes) return ring;
    ring ??= this.#newRing(cpu, drops, delta.takenAtMs);
    if (!ring) {
      this.#unrecorded.add(cpu);
      return undefined;
    }
    if (drops) ring.lastDropMs = delta.takenAtMs;
    ring.lastActiveMs = delta.takenAtMs;
    return ring;
  }

  /** Undefined where all rings belong to CPUs that are as bad. */
  #newRing(cpu: number, drops: boolean, atMs: number): CpuRing | undefined {
    const kind = drops ? "drops" : "squeezes";
    if (this.#allTaken[kind]) return undefined;
    const ring = this.#rings.size < MOST_RINGS ? new CpuRing() : this.#takeRing(drops, atMs);
    if (!ring) {
      this.#allTaken[kind] = true;
      return undefined;
    }
    ring.begin(this.#unrecorded.delete(cpu) ? Number.NaN : 0);
    this.#rings.set(cpu, ring);
    return ring;
  }

  /** Takes the ring of the CPU that dropped longest ago, and among those that never did, was quiet longest. */
  #takeRing(forDrops: boolean, atMs: number): CpuRing | undefined {
    const hourAgoMs = this.oldestMs ?? atMs;
    const lastDropMs = (ring: CpuRing): number => (ring.lastDropMs < hourAgoMs ? 0 : ring.lastDropMs);
    const [owner, ring] = [...this.#rings].reduce((least, each) => {
      const later =
        lastDropMs(each[1]) - lastDropMs(least[1]) || each[1].lastActiveMs - least[1].lastActiveMs;
      return later < 0 ? each : least;
    });
    const onlySqueezed = lastDropMs(ring) === 0;
    const isQuiet = atMs - ring.lastActiveMs >= QUIET_MS;
    if (forDrops ? !onlySqueezed && !isQuiet : !onlySqueezed || !isQuiet) return undefined;
    this.#rings.delete(owner);
    this.#unrecorded.add(owner);
    return ring;
  }
}

interface Point {
  readonly dropped: number;
  readonly squeezed: number;
  readonly processed: number;
  readonly backlog: number;
}

class Ring {
  readonly dropped = new Float32Array(POINTS);
  readonly squeezed = new Float32Array(POINTS);
  readonly processed = new Float32Array(POINTS);
  readonly backlog = new Float32Array(POINTS);

  get bytes(): number {
    return 4 * this.dropped.byteLength;
  }

  raise(slot: number, point: Point): void {
    raise(this.dropped, slot, point.dropped);
    raise(this.squeezed, slot, point.squeezed);
    raise(this.processed, slot, point.processed);
    raise(this.backlog, slot, point.backlog);
  }

  forget(slot: number): void {
    this.dropped[slot] = Number.NaN;
    this.squeezed[slot] = Number.NaN;
    this.processed[slot] = Number.NaN;
    this.backlog[slot] = Number.NaN;
  }
}

class CpuRing extends Ring {
  /** Epoch milliseconds; 0 is never. */
  lastDropMs = 0;
  lastActiveMs = 0;

  /** @param past what it dropped before anybody kept it: 0, or NaN where that is unknown. */
  begin(past: number): void {
    this.dropped.fill(past);
    this.squeezed.fill(past);
    this.processed.fill(Number.NaN);
    this.backlog.fill(Number.NaN);
    this.lastDropMs = 0;
    this.lastActiveMs = 0;
  }
}
