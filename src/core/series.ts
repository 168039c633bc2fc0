/**
 * Graph data. Every column runs parallel to `timesMs`; NaN is "nobody knows", and a gap between two points holds a row of them.
 *
 * Where several points became one, the largest stands: the one second of a burst must not vanish from a graph of a month.
 */
export interface Series {
  /** Epoch milliseconds, ascending. */
  readonly timesMs: Float64Array;
  /** Width of one point; 0 where each point is one sample. */
  readonly stepMs: number;
  readonly host: SeriesColumns;
  /** Lines of the CPUs that were asked for and of the worst ones. */
  readonly cpus: readonly CpuSeries[];
  /** Every CPU that dropped or was squeezed in the range, the worst first. */
  readonly peaks: readonly CpuPeak[];
  /** Exact growth over the range, summed over the CPUs. */
  readonly droppedSum: number;
  readonly squeezedSum: number;
}

/** Per second. The history on disk knows neither the packets processed nor the backlog. */
export interface SeriesColumns {
  readonly dropped: Float32Array;
  readonly squeezed: Float32Array;
  readonly processed: Float32Array | undefined;
  /** Packets waiting: a gauge. */
  readonly backlog: Float32Array | undefined;
}

export interface CpuSeries extends SeriesColumns {
  readonly cpu: number;
}

/** The largest rates of one CPU in a range, per second. */
export interface CpuPeak {
  readonly cpu: number;
  readonly dropped: number;
  readonly squeezed: number;
}

export interface SeriesQuery {
  readonly fromMs: number;
  readonly toMs: number;
  /** Points are merged until at most this many are left. */
  readonly maxPoints: number;
  /** How many of the worst CPUs get a line: this many by drops and this many by squeezes. */
  readonly worst: number;
  /** CPUs that get a line in any case. */
  readonly also: readonly number[];
}

/** What graphs are drawn from: the last hour in memory, or the history on disk. */
export interface SeriesSource {
  read(query: SeriesQuery): Series;
}

/** Widths a person can read off an axis. */
const STEPS_MS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
].map((seconds) => seconds * 1000);

/** The narrowest step that leaves at most `maxPoints` in the range. */
export function stepFor(query: SeriesQuery): number {
  const atLeastMs = (query.toMs - query.fromMs) / query.maxPoints;
  return STEPS_MS.find((stepMs) => stepMs >= atLeastMs) ?? Math.ceil(atLeastMs / 86_400_000) * 86_400_000;
}

/** Where the points of a source go on the axis of a graph. */
export interface Axis {
  readonly timesMs: Float64Array;
  /** For each point of the source, its place on the axis. */
  readonly placeOf: Int32Array;
}

/**
 * Lays points out on an axis: those of one step share a place, and a gap gets a place that nothing goes to.
 *
 * @param pointsMs ascending.
 * @param stepMs 0 gives each point a place of its own.
 */
export function axisOf(pointsMs: ArrayLike<number>, stepMs: number, gapMs: number): Axis {
  const timesMs: number[] = [];
  const placeOf = new Int32Array(pointsMs.length);
  let before = Number.NaN;
  for (let i = 0; i < pointsMs.length; i++) {
    const atMs = stepMs === 0 ? pointsMs[i]! : Math.floor(pointsMs[i]! / stepMs) * stepMs;
    if (atMs !== before) {
      if (atMs - before > gapMs) timesMs.push(before + (atMs - before) / 2);
      timesMs.push(atMs);
      before = atMs;
    }
    placeOf[i] = timesMs.length - 1;
  }
  return { timesMs: Float64Array.from(timesMs), placeOf };
}

/** A column on an axis before anything is known. */
export function unknownColumn(axis: Axis): Float32Array {
  return new Float32Array(axis.timesMs.length).fill(Number.NaN);
}

/** Lets a value stand at a place if it is the largest so far. */
export function raise(column: Float32Array, place: number, value: number): void {
  // Written so that a place which is still NaN takes the value.
  if (!(column[place]! >= value)) column[place] = value;
}

/** Drops weigh more than any squeeze: a squeeze loses nothing. */
export function worstFirst(a: CpuPeak, b: CpuPeak): number {
  return b.dropped - a.dropped || b.squeezed - a.squeezed || a.cpu - b.cpu;
}

/** The CPUs that get a line: the worst by drops, the worst by squeezes, and those asked for. */
export function cpusToDraw(peaks: readonly CpuPeak[], query: SeriesQuery): ReadonlySet<number> {
  const byDrops = peaks.filter(({ dropped }) => dropped > 0).toSorted(worstFirst);
  const bySqueezes = peaks
    .filter(({ squeezed }) => squeezed > 0)
    .toSorted((a, b) => b.squeezed - a.squeezed || a.cpu - b.cpu);
  return new Set([
    ...byDrops.slice(0, query.worst).map(({ cpu }) => cpu),
    ...bySqueezes.slice(0, query.worst).map(({ cpu }) => cpu),
    ...query.also,
  ]);
}
