/** The graphs' data: what the history said, and every second since. Pure; it knows nothing of the page. */

/** @typedef {import("../wire.ts").HistoryDocument} HistoryDocument */
/** @typedef {import("../wire.ts").LiveDocument} LiveDocument */
/** @typedef {import("../wire.ts").Value} Value */
/** @typedef {"dropped" | "squeezed" | "processed" | "backlog"} Column */
/** @typedef {Record<Column, Value[]>} Columns */
/** @typedef {{ cpu: number, dropped: number, squeezed: number }} Peak */

/** @type {readonly Column[]} */
const COLUMNS = ["dropped", "squeezed", "processed", "backlog"];

/** CPUs get no line beyond these many; one that drops is worth more than one that is only squeezed. */
const MOST_LINES = { dropping: 256, squeezed: 64 };

export class SeriesModel {
  /** @type {number[]} */
  timesMs;
  /** @type {Columns} */
  host;
  /** @type {Map<number, Columns>} */
  lines;
  /** @type {Map<number, Peak>} */
  peaks;
  /** @type {number} */
  droppedSum;
  /** @type {number} */
  squeezedSum;
  /** Width of one point; 0 where each is one sample. @type {number} */
  stepMs;
  /** @type {number} */
  #gapMs;

  #mostLines;

  /**
   * @param {HistoryDocument} history
   * @param {number} sampleEverySeconds
   * @param {boolean} hostOnly no line for any CPU: of a month, the history has none
   */
  constructor(history, sampleEverySeconds, hostOnly = false) {
    this.#mostLines = hostOnly ? { dropping: 0, squeezed: 0 } : MOST_LINES;
    this.stepMs = history.stepMs;
    this.timesMs = [...history.timesMs];
    this.host = columnsOf(history.host, this.timesMs.length);
    this.lines = new Map(history.cpus.map((line) => [line.cpu, columnsOf(line, this.timesMs.length)]));
    const { cpu, dropped, squeezed } = history.peaks;
    this.peaks = new Map(
      cpu.map((id, i) => [id, { cpu: id, dropped: dropped[i] ?? 0, squeezed: squeezed[i] ?? 0 }]),
    );
    this.droppedSum = history.droppedSum;
    this.squeezedSum = history.squeezedSum;
    this.#gapMs = 2.5 * Math.max(this.stepMs, sampleEverySeconds * 1000);
  }

  get newestMs() {
    return this.timesMs.at(-1) ?? 0;
  }

  /**
   * Adds a second. One that is not newer than the newest is ignored: a history that was just loaded holds it already.
   *
   * @param {LiveDocument} live
   */
  append(live) {
    const { cpus, host } = live;
    const place = this.#placeFor(live.takenAtMs);
    if (place === undefined) return;
    raise(this.host, place, host);
    this.droppedSum += Math.round(host.dropped * live.elapsedSeconds);
    this.squeezedSum += Math.round(host.squeezed * live.elapsedSeconds);
    cpus.cpu.forEach((cpu, row) => {
      const point = {
        dropped: cpus.dropped[row] ?? 0,
        squeezed: cpus.squeezed[row] ?? 0,
        processed: cpus.processed[row] ?? 0,
        backlog: cpus.backlog?.[row],
      };
      const line = this.lines.get(cpu) ?? this.#newLine(cpu, point);
      if (line) raise(line, place, point);
      if (point.dropped > 0 || point.squeezed > 0) this.#raisePeak(cpu, point);
    });
  }

  /**
   * Adds what a broken stream did not bring.
   *
   * @param {HistoryDocument} missed
   */
  appendMissed(missed) {
    missed.timesMs.forEach((takenAtMs, i) => {
      const lines = missed.cpus.filter(({ dropped }) => dropped[i] !== null);
      if (missed.host.dropped[i] === null) return;
      this.append({
        takenAtMs,
        elapsedSeconds: 0,
        host: at(missed.host, i),
        cpus: {
          cpu: lines.map(({ cpu }) => cpu),
          dropped: lines.map(({ dropped }) => dropped[i] ?? 0),
          squeezed: lines.map(({ squeezed }) => squeezed[i] ?? 0),
          processed: lines.map(({ processed }) => processed?.[i] ?? 0),
          backlog: lines.map(({ backlog }) => backlog?.[i] ?? 0),
        },
      });
    });
    this.droppedSum += missed.droppedSum;
    this.squeezedSum += missed.squeezedSum;
  }

  /**
   * Forgets what is older.
   *
   * @param {number} fromMs
   */
  trim(fromMs) {
    const kept = this.timesMs.findIndex((atMs) => atMs >= fromMs);
    const count = kept === -1 ? this.timesMs.length : kept;
    if (count === 0) return;
    this.timesMs.splice(0, count);
    for (const columns of [this.host, ...this.lines.values()]) {
      for (const name of COLUMNS) columns[name].splice(0, count);
    }
  }

  /**
   * The CPUs worth a line: those asked for, then the worst by drops or by squeezes. What is hardly to be seen beside the worst is none.
   *
   * @param {"dropped" | "squeezed"} kind
   * @param {number} most
   * @param {ReadonlySet<number>} asked
   * @returns {readonly number[]}
   */
  worst(kind, most, asked) {
    const peakOf = (/** @type {number} */ cpu) => this.peaks.get(cpu)?.[kind] ?? 0;
    const cpus = [...this.lines.keys()].toSorted((a, b) => peakOf(b) - peakOf(a) || a - b);
    const least = kind === "dropped" ? 0 : peakOf(cpus[0] ?? -1) / 50;
    const worst = cpus.filter((cpu) => peakOf(cpu) > least && !asked.has(cpu)).slice(0, most);
    return [...cpus.filter((cpu) => asked.has(cpu)), ...worst];
  }

  /**
   * The largest value of a column of the host, and when it was.
   *
   * @param {Column} column
   * @returns {{ readonly value: number, readonly atMs: number } | undefined}
   */
  peakOf(column) {
    let place = -1;
    let most = 0;
    this.host[column].forEach((value, i) => {
      if (value === null || value <= most) return;
      most = value;
      place = i;
    });
    const atMs = this.timesMs[place];
    return atMs === undefined ? undefined : { value: most, atMs };
  }

  /** @param {number} takenAtMs @returns {number | undefined} */
  #placeFor(takenAtMs) {
    const atMs = this.stepMs === 0 ? takenAtMs : Math.floor(takenAtMs / this.stepMs) * this.stepMs;
    const newestMs = this.timesMs.at(-1);
    if (newestMs !== undefined) {
      if (atMs < newestMs || (atMs === newestMs && this.stepMs === 0)) return undefined;
      if (atMs === newestMs) return this.timesMs.length - 1;
      if (atMs - newestMs > this.#gapMs) this.#push(newestMs + (atMs - newestMs) / 2);
    }
    this.#push(atMs);
    return this.timesMs.length - 1;
  }

  /** @param {number} atMs */
  #push(atMs) {
    this.timesMs.push(atMs);
    for (const columns of [this.host, ...this.lines.values()]) {
      for (const name of COLUMNS) columns[name].push(null);
    }
  }

  /**
   * @param {number} cpu
   * @param {{ readonly dropped: number, readonly squeezed: number }} point
   */
  #newLine(cpu, point) {
    const most =
      point.dropped > 0 ? this.#mostLines.dropping : point.squeezed > 0 ? this.#mostLines.squeezed : 0;
    if (this.lines.size >= most) return undefined;
    // It was quiet until now, wherever the host was watched.
    const quiet = this.host.dropped.map((value) => (value === null ? null : 0));
    const unknown = quiet.map(() => null);
    const line = { dropped: quiet, squeezed: [...quiet], processed: [...unknown], backlog: unknown };
    this.lines.set(cpu, line);
    return line;
  }

  /**
   * @param {number} cpu
   * @param {{ readonly dropped: number, readonly squeezed: number }} point
   */
  #raisePeak(cpu, point) {
    const peak = this.peaks.get(cpu) ?? { cpu, dropped: 0, squeezed: 0 };
    peak.dropped = Math.max(peak.dropped, point.dropped);
    peak.squeezed = Math.max(peak.squeezed, point.squeezed);
    this.peaks.set(cpu, peak);
  }
}

/**
 * @param {import("../wire.ts").HistoryColumns} columns
 * @param {number} length
 * @returns {Columns}
 */
function columnsOf(columns, length) {
  const unknown = () => Array.from({ length }, () => null);
  return {
    dropped: [...columns.dropped],
    squeezed: [...columns.squeezed],
    processed: columns.processed ? [...columns.processed] : unknown(),
    backlog: columns.backlog ? [...columns.backlog] : unknown(),
  };
}

/**
 * @param {import("../wire.ts").HistoryColumns} columns
 * @param {number} i
 */
function at(columns, i) {
  return {
    dropped: columns.dropped[i] ?? 0,
    squeezed: columns.squeezed[i] ?? 0,
    processed: columns.processed?.[i] ?? 0,
    backlog: columns.backlog?.[i] ?? 0,
  };
}

/**
 * Where several seconds share a point, the largest stands.
 *
 * @param {Columns} columns
 * @param {number} place
 * @param {Partial<Record<Column, number | undefined>>} point
 */
function raise(columns, place, point) {
  for (const name of COLUMNS) {
    const value = point[name];
    const before = columns[name][place];
    if (value !== undefined && (before === null || before === undefined || value > before)) {
      columns[name][place] = value;
    }
  }
}
