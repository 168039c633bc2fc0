import type { Text } from "./text.ts";

/** Where the first boot notes how it went; the agent and `doctor` read it. */
export const FIRST_BOOT_REPORT = "/etc/softnet/first-boot.json";

/** In the order in which they run. */
export const FIRST_BOOT_STEPS = ["tune", "fetch", "check", "install", "start"] as const;

export type FirstBootStep = (typeof FIRST_BOOT_STEPS)[number];

/** A step of the first boot that failed. */
export interface FirstBootFailure {
  readonly step: FirstBootStep;
  readonly exitCode: number;
  /** The last lines of what it said. */
  readonly message: string;
}

export interface FirstBootReport {
  /** UTC, as `date` prints it. */
  readonly time: string;
  readonly failures: readonly FirstBootFailure[];
  /** The last step that was noted, well or not; undefined where none was. */
  readonly lastStep: FirstBootStep | undefined;
}

/** @returns undefined for anything that is no report of ours: the machine was not set up by our user-data. */
export function parseFirstBootReport(text: string): FirstBootReport | undefined {
  const { schemaVersion, time, steps } = objectOf(text);
  if (schemaVersion !== 1 || typeof time !== "string" || !Array.isArray(steps)) return undefined;
  return {
    time,
    failures: steps.flatMap((entry: unknown) => failureOf(entry) ?? []),
    lastStep: stepOf(steps.at(-1)),
  };
}

/** What whoever starts the agent later has to know; undefined where all went well, or nothing is known. */
export function firstBootProblem(report: FirstBootReport | undefined): Text | undefined {
  if (!report || report.failures.length === 0) return undefined;
  const { time, failures } = report;
  const steps = failures.map(
    ({ step, exitCode, message }) => `${step} (${exitCode})${message === "" ? "" : `: ${message}`}`,
  );
  return {
    en: `at ${time} this machine's first boot failed in ${steps.join("; ")}`,
    zh: `本机首次启动（${time}）在以下步骤失败：${steps.join("；")}`,
  };
}

/** The agent is started before the last step is noted, so only whoever looks later may ask. @returns undefined where the last step was taken, or a failure says why not. */
export function firstBootGap(report: FirstBootReport | undefined): Text | undefined {
  if (!report || report.failures.length > 0 || report.lastStep === FIRST_BOOT_STEPS.at(-1)) return undefined;
  const { time, lastStep } = report;
  return {
    en: `this machine's first boot got no further than ${lastStep ?? "its beginning"} at ${time}: it is still at work, or was cut off`,
    zh: `本机首次启动在 ${time} 只进行到 ${lastStep ?? "起始"}：仍在进行，或已中断`,
  };
}

function stepOf(entry: unknown): FirstBootStep | undefined {
  const { step } = recordOf(entry);
  return FIRST_BOOT_STEPS.find((name) => name === step);
}

function failureOf(entry: unknown): FirstBootFailure | undefined {
  const { exitCode, message } = recordOf(entry);
  const known = stepOf(entry);
  if (!known || typeof exitCode !== "number" || exitCode === 0) return undefined;
  return { step: known, exitCode, message: typeof message === "string" ? message.trim() : "" };
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return recordOf(JSON.parse(text));
  } catch {
    return {};
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
