/**
 * Baseline bandwidth of each size of a family, Gbit/s, by Alibaba Cloud's pages of instance families
 * (alibabacloud.com/help/en/ecs/user-guide/overview-of-instance-families and the Chinese ones of the g, c, r, u and network-enhanced families). An instance may burst above it for a while, which is
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

const GENERATION_6A = {
  large: 1,
  xlarge: 1.5,
  "2xlarge": 2.5,
  "4xlarge": 5,
  "8xlarge": 8,
  "16xlarge": 16,
  "32xlarge": 32,
  "64xlarge": 64,
} as const;

const GENERATION_6E = {
  large: 1.2,
  xlarge: 2,
  "2xlarge": 3,
  "4xlarge": 6,
  "8xlarge": 10,
  "13xlarge": 16,
  "26xlarge": 32,
} as const;

const GENERATION_8I = {
  large: 2.5,
  xlarge: 4,
  "2xlarge": 6,
  "3xlarge": 10,
  "4xlarge": 12,
  "6xlarge": 15,
  "8xlarge": 20,
  "12xlarge": 25,
  "16xlarge": 32,
} as const;

const GENERATION_8INE = { large: 4, xlarge: 7, "2xlarge": 12, "4xlarge": 23, "8xlarge": 44 } as const;

const U1 = { large: 1, xlarge: 1.5, "2xlarge": 2.5, "3xlarge": 4, "4xlarge": 5, "8xlarge": 10 } as const;

const U2I = {
  large: 2,
  xlarge: 3,
  "2xlarge": 5,
  "3xlarge": 8,
  "4xlarge": 10,
  "6xlarge": 12,
  "8xlarge": 16,
} as const;

const BASELINE_GBPS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  c6: GENERATION_6,
  g6: GENERATION_6,
  r6: GENERATION_6,
  c6a: GENERATION_6A,
  g6a: GENERATION_6A,
  c6e: GENERATION_6E,
  g6e: GENERATION_6E,
  r6e: GENERATION_6E,
  c7: GENERATION_7,
  g7: GENERATION_7,
  r7: GENERATION_7,
  c8i: { ...GENERATION_8I, "24xlarge": 50, "48xlarge": 100 },
  g8i: { ...GENERATION_8I, "24xlarge": 50, "48xlarge": 100 },
  r8i: { ...GENERATION_8I, "32xlarge": 64 },
  c8ine: GENERATION_8INE,
  g8ine: GENERATION_8INE,
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
  g5ne: {
    large: 1,
    xlarge: 2,
    "2xlarge": 3.5,
    "4xlarge": 7,
    "8xlarge": 15,
    "16xlarge": 30,
    "18xlarge": 33,
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
  "u1-c1m1": U1,
  "u1-c1m2": U1,
  "u1-c1m4": U1,
  "u1-c1m8": U1,
  "u2i-c1m1": U2I,
  "u2i-c1m2": U2I,
  "u2i-c1m4": U2I,
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

/** @returns the sizes of a type's family that the table holds; undefined where it does not hold the family. */
export function knownSizesOf(type: string): readonly string[] | undefined {
  const sizes = valueOf(BASELINE_GBPS, type.split(".")[1] ?? "");
  return sizes && Object.keys(sizes);
}

function valueOf<V>(table: Readonly<Record<string, V>> | undefined, key: string): V | undefined {
  return table && Object.hasOwn(table, key) ? table[key] : undefined;
}
