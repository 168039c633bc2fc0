import { type ActionFamily, type ActionAnswer, type Call, listParameter } from "./action.ts";

export interface MetricLimits {
  /** The Free edition takes no raw data. */
  readonly edition: "free" | "pro";
  readonly seriesQuota: number;
}

/** One point of one series, and everything that was ever written to it. */
export interface StoredPoint {
  readonly metricName: string;
  readonly groupId: string;
  readonly dimensions: string;
  readonly period: string;
  readonly timeMs: number;
  /** Each accepted `Values`, as it came. A second one is a repeat; another text in it is a conflict. */
  readonly writes: string[];
}

export interface CustomMetrics extends ActionFamily {
  readonly points: ReadonlyMap<string, StoredPoint>;
  /** Points that were written again with other values: never forgivable. */
  conflicts(): readonly StoredPoint[];
  /** Accepted writes beyond the first of each point. */
  repeatedWrites(): number;
  seriesCount(): number;
}

export const STATISTICS: ReadonlySet<string> = new Set([
  ..."Average Maximum Minimum Sum SampleCount LastValue SumPerSecond CountPerSecond".split(" "),
  ..."P10 P20 P30 P40 P50 P60 P70 P75 P80 P90 P95 P98 P99".split(" "),
]);

/** PutCustomMetric with its documented limits; what those leave open is taken strictly. */
export function customMetrics({ edition, seriesQuota }: MetricLimits): CustomMetrics {
  const points = new Map<string, StoredPoint>();
  const series = new Set<string>();

  function putCustomMetric(call: Call): ActionAnswer {
    const entries = listParameter(call, "MetricList", {
      required: ["GroupId", "MetricName", "Dimensions", "Type", "Values"],
      optional: ["Period", "Time"],
      most: 21,
    });
    for (const [i, entry] of entries.entries()) {
      const fault = syntaxFault(entry);
      if (fault) return { Code: "400", Message: `MetricList.${i + 1}: ${fault}` };
    }
    const complaints = new Set<string>();
    for (const entry of entries) {
      const complaint = complaintAbout(entry);
      if (complaint) complaints.add(complaint);
      else store(entry, call.receivedAtMs);
    }
    return complaints.size > 0
      ? { Code: "206", Message: [...complaints].join(", ") }
      : { Code: "200", Message: "success" };
  }

  /** What is well-formed and still not taken; the other entries of the call are. */
  function complaintAbout(entry: Entry): string | undefined {
    if (entry["Type"] !== "0" && entry["Type"] !== "1") return "type is invalid";
    if (entry["Type"] === "0" && edition === "free")
      return "not allowed original value, please upgrade service";
    if (!series.has(seriesOf(entry)) && series.size >= seriesQuota) return "reach max time series num";
    return undefined;
  }

  function store(entry: Entry, receivedAtMs: number): void {
    const timeMs = entry["Time"] === undefined ? receivedAtMs : parseTime(entry["Time"])!;
    const period = entry["Period"] ?? "0";
    const key = `${seriesOf(entry)} ${period} ${timeMs}`;
    series.add(seriesOf(entry));
    const point = points.get(key);
    if (point) {
      point.writes.push(entry["Values"]!);
      return;
    }
    points.set(key, {
      metricName: entry["MetricName"]!,
      groupId: entry["GroupId"]!,
      dimensions: entry["Dimensions"]!,
      period,
      timeMs,
      writes: [entry["Values"]!],
    });
  }

  return {
    version: "2019-01-01",
    product: "cms",
    actions: { PutCustomMetric: putCustomMetric },
    points,
    conflicts: () => [...points.values()].filter(({ writes }) => new Set(writes).size > 1),
    repeatedWrites: () => [...points.values()].reduce((sum, { writes }) => sum + writes.length - 1, 0),
    seriesCount: () => series.size,
  };
}

type Entry = Readonly<Record<string, string>>;

function seriesOf(entry: Entry): string {
  return `${entry["GroupId"]} ${entry["MetricName"]} ${entry["Dimensions"]}`;
}

function syntaxFault(entry: Entry): string | undefined {
  if (!/^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(entry["MetricName"]!)) return "metric name";
  if (!/^\d+$/.test(entry["GroupId"]!)) return "group id";
  if (entry["Time"] !== undefined && parseTime(entry["Time"]) === undefined) return "time";
  return dimensionsFault(entry["Dimensions"]!) ?? valuesFault(entry);
}

function dimensionsFault(text: string): string | undefined {
  const dimensions = parseObject(text);
  if (!dimensions) return "dimensions are no JSON object";
  const pairs = Object.entries(dimensions);
  if (pairs.length === 0 || pairs.length > 10) return "1 to 10 dimensions";
  if (pairs.some(([key], i) => i > 0 && pairs[i - 1]![0] >= key)) return "dimensions are not in order";
  const isWord = (word: unknown): boolean => typeof word === "string" && /^[\w.\-/\\]{1,64}$/.test(word);
  return pairs.every(([key, value]) => isWord(key) && isWord(value)) ? undefined : "dimension key or value";
}

/** `{"cpu":"all","instanceId":"i-1"}` as everything but PutCustomMetric writes it: `cpu=all&instanceId=i-1`. */
export function dimensionText(dimensions: string): string {
  return Object.entries(parseObject(dimensions) ?? {})
    .map(([key, value]) => `${key}=${String(value)}`)
    .join("&");
}

function valuesFault(entry: Entry): string | undefined {
  const values = parseObject(entry["Values"]!);
  if (!values) return "values are no JSON object";
  const keys = Object.keys(values);
  if (!Object.values(values).every((value) => typeof value === "number")) return "a value is no number";
  if (entry["Type"] === "0") return keys.join() === "value" ? undefined : "raw data has one value";
  if (entry["Period"] !== "60" && entry["Period"] !== "300") return "period is 60 or 300";
  if (keys.length === 0) return "no statistics";
  return keys.every((key) => STATISTICS.has(key)) ? undefined : "an unknown statistic";
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Epoch milliseconds, or `20171012T132456.888+0800`. */
export function parseTime(text: string): number | undefined {
  if (/^\d{13}$/.test(text)) return Number(text);
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d\.\d{3})([+-]\d\d)(\d\d)$/.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, zoneHour, zoneMinute] = match;
  const timeMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${zoneHour}:${zoneMinute}`);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
