import {
  type Axis,
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
import { type ClosedWindow, MINUTE_MS, statisticsOf } from "../core/window.ts";
import type { StateDatabase } from "./database.ts";

const HOUR_MS = 3_600_000;
const CPUS_KEPT_MS = 24 * HOUR_MS;
const HOST_KEPT_MS = 30 * 24 * HOUR_MS;

/** One closed minute of the whole host. */
export interface HostMinute {
  readonly startMs: number;
  readonly elapsedSeconds: number;
  readonly sampleCount: number;
  readonly droppedSum: number;
  /** Packets per second in the worst sample. */
  readonly droppedMaximum: number;
  readonly squeezedSum: number;
  readonly squeezedMaximum: number;
  /** The worst of the minute: 0 healthy, 1 warning, 2 critical. */
  readonly severity: number;
}

/** Closed minutes on disk: of the CPUs that dropped or were squeezed for 24 hours, of the host for 30 days. */
export class StoredHistory implements SeriesSource {
  readonly #database: StateDatabase;

  constructor(database: StateDatabase) {
    this.#database = database;
  }

  /**
   * Keeps a closed minute and forgets what is too old. A minute that was closed twice (a reboot within it, a clock set back) is
   * added up.
   *
   * @param severity the worst of its samples: 0 healthy, 1 warning, 2 critical.
   */
  add(window: ClosedWindow, severity: number): void {
    const dropped = statisticsOf(window.all.dropped);
    const squeezed = statisticsOf(window.all.squeezed);
    this.#database.inOneTransaction(() => {
      this.#database.run(
        `INSERT INTO host_minute VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (start_ms) DO UPDATE SET
           elapsed_seconds = elapsed_seconds + excluded.elapsed_seconds,
           sample_count = sample_count + excluded.sample_count,
           dropped_sum = dropped_sum + excluded.dropped_sum,
           dropped_maximum = max(dropped_maximum, excluded.dropped_maximum),
           squeezed_sum = squeezed_sum + excluded.squeezed_sum,
           squeezed_maximum = max(squeezed_maximum, excluded.squeezed_maximum),
           severity = max(severity, excluded.severity)`,
        window.startMs,
        window.elapsedSeconds,
        dropped.sampleCount,
        dropped.sum,
        dropped.maximum,
        squeezed.sum,
        squeezed.maximum,
        severity,
      );
      this.#addCpus(window);
      this.#database.run("DELETE FROM cpu_minute WHERE start_ms < ?", window.startMs - CPUS_KEPT_MS);
      this.#database.run("DELETE FROM host_minute WHERE start_ms < ?", window.startMs - HOST_KEPT_MS);
    });
  }

  /** The closed minutes of the host that begin in the range, oldest first. */
  hostMinutes(fromMs: number, toMs: number): readonly HostMinute[] {
    return this.#database.all(
      `SELECT start_ms AS startMs, elapsed_seconds AS elapsedSeconds, sample_count AS sampleCount,
         dropped_sum AS droppedSum, dropped_maximum AS droppedMaximum,
         squeezed_sum AS squeezedSum, squeezed_maximum AS squeezedMaximum, severity
       FROM host_minute WHERE start_ms BETWEEN ? AND ? ORDER BY start_ms`,
      fromMs,
      toMs,
    ) as readonly HostMinute[];
  }

  read(query: SeriesQuery): Series {
    const stepMs = Math.max(MINUTE_MS, stepFor(query));
    const rows = this.#database.all(
      `SELECT start_ms / CAST(?1 AS INTEGER) * CAST(?1 AS INTEGER) AS startMs,
           max(dropped_maximum) AS dropped, max(squeezed_maximum) AS squeezed,
           sum(dropped_sum) AS droppedSum, sum(squeezed_sum) AS squeezedSum
         FROM host_minute WHERE start_ms BETWEEN ?2 AND ?3 GROUP BY 1 ORDER BY 1`,
      stepMs,
      Math.ceil(query.fromMs),
      Math.floor(query.toMs),
    ) as readonly MergedRow[];
    const axis = axisOf(
      rows.map(({ startMs }) => startMs),
      stepMs,
      2.5 * stepMs,
    );
    const host = { dropped: unknownColumn(axis), squeezed: unknownColumn(axis) };
    rows.forEach((row, i) => {
      host.dropped[axis.placeOf[i]!] = row.dropped;
      host.squeezed[axis.placeOf[i]!] = row.squeezed;
    });
    const wantsCpus = query.worst > 0 || query.also.length > 0;
    const peaks = wantsCpus ? this.#peaks(query) : [];
    return {
      timesMs: axis.timesMs,
      stepMs,
      host: { ...host, processed: undefined, backlog: undefined },
      cpus: wantsCpus ? this.#lines(query, stepMs, cpusToDraw(peaks, query), axis, host.dropped) : [],
      peaks,
      droppedSum: rows.reduce((sum, row) => sum + row.droppedSum, 0),
      squeezedSum: rows.reduce((sum, row) => sum + row.squeezedSum, 0),
    };
  }

  /** Oldest minutes first, from the table that takes the most room. @returns false when there is none left. */
  dropOldest(): boolean {
    const size = this.#database.get(
      `SELECT (SELECT count(*) FROM cpu_minute) AS cpuRows,
         (SELECT coalesce(sum(length(peaks) + 16), 0) FROM cpu_minute) AS cpuBytes,
         (SELECT count(*) FROM host_minute) AS hostRows`,
    ) as { cpuRows: number; cpuBytes: number; hostRows: number };
    if (size.cpuRows === 0 && size.hostRows === 0) return false;
    const [table, rows] =
      size.cpuBytes >= size.hostRows * HOST_ROW_BYTES
        ? (["cpu_minute", size.cpuRows] as const)
        : (["host_minute", size.hostRows] as const);
    // A twentieth at a time, so that a full store does not come back here every minute.
    this.#database.run(
      `DELETE FROM ${table} WHERE start_ms IN (SELECT start_ms FROM ${table} ORDER BY start_ms LIMIT ?)`,
      Math.ceil(rows / 20),
    );
    return true;
  }

  #addCpus(window: ClosedWindow): void {
    const peaks = new Map<number, CpuPeak>();
    const before = this.#database.get("SELECT peaks FROM cpu_minute WHERE start_ms = ?", window.startMs) as
      | { peaks: Uint8Array }
      | undefined;
    const fields = before ? fieldsOf(before.peaks) : [];
    for (let i = 0; i < fields.length; i += FIELDS) {
      peaks.set(fields[i]!, { cpu: fields[i]!, dropped: fields[i + 1]!, squeezed: fields[i + 2]! });
    }
    for (const [cpu, tally] of window.cpus) {
      if (tally.dropped.sum === 0 && tally.squeezed.sum === 0) continue;
      const earlier = peaks.get(cpu);
      peaks.set(cpu, {
        cpu,
        dropped: largest(tally.dropped.rates, earlier?.dropped),
        squeezed: largest(tally.squeezed.rates, earlier?.squeezed),
      });
    }
    if (peaks.size === 0) return;
    this.#database.run("INSERT OR REPLACE INTO cpu_minute VALUES (?, ?)", window.startMs, packed(peaks));
  }

  #peaks(query: SeriesQuery): readonly CpuPeak[] {
    const peaks = new Map<number, { cpu: number; dropped: number; squeezed: number }>();
    this.#eachCpu(query, (_startMs, cpu, dropped, squeezed) => {
      const peak = peaks.get(cpu);
      if (!peak) {
        peaks.set(cpu, { cpu, dropped, squeezed });
        return;
      }
      if (dropped > peak.dropped) peak.dropped = dropped;
      if (squeezed > peak.squeezed) peak.squeezed = squeezed;
    });
    return [...peaks.values()].toSorted(worstFirst);
  }

  /**
   * A second pass over the rows: to hold a line of each of 1024 CPUs takes 6 MB and ten times as long. A minute in which a CPU has no
   * row was a quiet one, if the host has it.
   */
  #lines(
    query: SeriesQuery,
    stepMs: number,
    drawn: ReadonlySet<number>,
    axis: Axis,
    hostDropped: Float32Array,
  ): readonly CpuSeries[] {
    const quiet = Float32Array.from(hostDropped, (value) => (Number.isNaN(value) ? Number.NaN : 0));
    const places = new Map(Array.from(axis.timesMs, (atMs, place) => [atMs, place]));
    const lines = new Map<number, CpuSeries>();
    this.#eachCpu(query, (startMs, cpu, dropped, squeezed) => {
      if (!drawn.has(cpu)) return;
      const place = places.get(Math.floor(startMs / stepMs) * stepMs);
      if (place === undefined) return;
      let line = lines.get(cpu);
      if (!line) {
        const unknown = { processed: undefined, backlog: undefined };
        line = { cpu, dropped: quiet.slice(), squeezed: quiet.slice(), ...unknown };
        lines.set(cpu, line);
      }
      raise(line.dropped, place, dropped);
      raise(line.squeezed, place, squeezed);
    });
    return [...lines.values()].toSorted((a, b) => a.cpu - b.cpu);
  }

  #eachCpu(
    query: SeriesQuery,
    visit: (startMs: number, cpu: number, dropped: number, squeezed: number) => void,
  ): void {
    this.#database.each(
      (row) => {
        const { startMs, peaks } = row as { startMs: number; peaks: Uint8Array };
        const fields = fieldsOf(peaks);
        for (let i = 0; i < fields.length; i += FIELDS) {
          visit(startMs, fields[i]!, fields[i + 1]!, fields[i + 2]!);
        }
      },
      "SELECT start_ms AS startMs, peaks FROM cpu_minute WHERE start_ms BETWEEN ? AND ?",
      Math.ceil(query.fromMs),
      Math.floor(query.toMs),
    );
  }
}

/** What a row of host_minute takes in the file, about. */
const HOST_ROW_BYTES = 60;

interface MergedRow {
  readonly startMs: number;
  readonly dropped: number;
  readonly squeezed: number;
  readonly droppedSum: number;
  readonly squeezedSum: number;
}

/** cpu, dropped, squeezed: one blob a minute is a tenth of the cost of a row a CPU, both to write and to draw. */
const FIELDS = 3;

function packed(peaks: ReadonlyMap<number, CpuPeak>): Uint8Array {
  const fields = new Float32Array(peaks.size * FIELDS);
  [...peaks.values()].forEach((peak, i) => fields.set([peak.cpu, peak.dropped, peak.squeezed], i * FIELDS));
  return new Uint8Array(fields.buffer);
}

function fieldsOf(peaks: Uint8Array): Float32Array {
  // A copy, since SQLite's bytes need not begin at a multiple of four.
  return new Float32Array(peaks.slice().buffer);
}

function largest(values: Iterable<number>, least = 0): number {
  let most = least;
  for (const value of values) if (value > most) most = value;
  return most;
}
