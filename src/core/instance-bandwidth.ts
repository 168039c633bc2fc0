/**
 * Baseline bandwidth of each size of a family, Gbit/s, by Alibaba Cloud's page of instance families. An instance may burst above it for a while, which is
 * why the table of backlogs is asked with what it always has.
 */
const GENERATION_6 = {
  large: 1,
  xlarge: 1.5,
  "2xlarge": 2.5,
  "3xlarge": 4,
  "4xlarge": 5,
  "6xlarge": 7.5,
  "8xlarge": 10,
  "13xlarge": 12.5,
  "26xlarge": 25,
} as const;

const GENERATION_7 = {
  large: 2,
  xlarge: 3,
  "2xlarge": 5,
  "3xlarge": 8,
  "4xlarge": 10,
  "6xlarge": 12,
  "8xlarge": 16,
  "16xlarge": 32,
  "32xlarge": 64,
} as const;

const BASELINE_GBPS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  c6: GENERATION_6,
  g6: GENERATION_6,
  r6: GENERATION_6,
  c7: GENERATION_7,
  g7: GENERATION_7,
  r7: GENERATION_7,
  g5: {
    large: 1,
    xlarge: 1.5,
    "2xlarge": 2.5,
    "3xlarge": 4,
    "4xlarge": 5,
    "6xlarge": 7.5,
    "8xlarge": 10,
    "16xlarge": 20,
  },
  g5ne: { "8xlarge": 15 },
  g6a: {
    large: 1,
    xlarge: 1.5,
    "2xlarge": 2.5,
    "4xlarge": 5,
    "8xlarge": 8,
    "16xlarge": 16,
    "32xlarge": 32,
    "64xlarge": 64,
  },
  g7ne: {
    large: 1.5,
    xlarge: 3,
    "2xlarge": 6,
    "4xlarge": 12.5,
    "8xlarge": 25,
    "12xlarge": 40,
    "16xlarge": 50,
    "24xlarge": 80,
  },
  "t6-c4m1": { large: 0.08 },
  "t6-c2m1": { large: 0.08 },
  "t6-c1m1": { large: 0.08 },
  "t6-c1m2": { large: 0.08 },
  "t6-c1m4": { large: 0.08, xlarge: 0.16, "2xlarge": 0.32 },
};

export const KNOWN_FAMILIES: readonly string[] = Object.keys(BASELINE_GBPS);

/** @param type `ecs.g7.large`. @returns Gbit/s, and undefined for a type that the table does not hold. */
export function baselineGbpsOf(type: string): number | undefined {
  const [prefix, family, size, ...rest] = type.split(".");
  if (prefix !== "ecs" || family === undefined || size === undefined || rest.length > 0) return undefined;
  return valueOf(valueOf(BASELINE_GBPS, family), size);
}

function valueOf<V>(table: Readonly<Record<string, V>> | undefined, key: string): V | undefined {
  return table && Object.hasOwn(table, key) ? table[key] : undefined;
}
