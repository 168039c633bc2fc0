/**
 * Writes the constructed cases of corpus/: `npm run corpus`. Both the files and what a reader must find in them come from the same
 * counters here, and nothing of the reader is used, so that the two can disagree.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Counters and gauges of one CPU. What is not said is zero. */
interface Cpu {
  readonly cpu: number;
  readonly processed?: number;
  readonly dropped?: number;
  readonly timeSqueeze?: number;
  readonly cpuCollision?: number;
  readonly receivedRps?: number;
  readonly flowLimitCount?: number;
  readonly backlogLen?: number;
  readonly inputQlen?: number;
  readonly processQlen?: number;
}

interface Reading {
  readonly uptimeSeconds: number;
  readonly cpus: readonly Cpu[];
  /** As the kernel lists CPUs; by default those of the rows. Null: there is no such file. */
  readonly online?: string | null;
  readonly possible?: string;
  /** Null: there is no such file. */
  readonly bootId?: string | null;
  /** In place of the rows. */
  readonly text?: string;
  readonly refused?: { readonly line: number; readonly because: string };
}

interface Case {
  readonly name: string;
  readonly about: string;
  readonly columns: number;
  readonly readings: readonly Reading[];
  /** Why there is no growth; by default there is. */
  readonly noGrowth?: "rebooted" | "no-time-passed";
}

const BOOT = "5ab5bd2e-7c4c-4e83-9b9e-0d3c8f9d1a01";
const LATER_BOOT = "c0ffee00-1111-4222-8333-444455556666";

/** Name, and from how many columns on it is printed. */
const COUNTERS = [
  ["processed", 9],
  ["dropped", 9],
  ["timeSqueeze", 9],
  ["cpuCollision", 9],
  ["receivedRps", 10],
  ["flowLimitCount", 11],
] as const;
const GAUGES = [
  ["backlogLen", 13],
  ["inputQlen", 14],
  ["processQlen", 15],
] as const;

const WIDTHS = [
  { columns: 9, kernels: "Linux up to 2.6.38" },
  { columns: 10, kernels: "Linux 2.6.39 to 3.10" },
  { columns: 11, kernels: "Linux 3.11 to 5.9, el7, el8.0 to el8.4" },
  { columns: 12, kernels: "a downstream 4.19 of Android, whose column 12 is no backlog (gro_coalesced)" },
  { columns: 13, kernels: "Linux 5.10 to 6.9, el8.5 and later" },
  { columns: 15, kernels: "Linux 6.10 and later" },
  { columns: 18, kernels: "a future kernel with three columns that nobody knows yet" },
];

const CASES: readonly Case[] = [
  ...WIDTHS.flatMap(({ columns, kernels }) => [
    {
      name: `columns-${columns}`,
      about: `${kernels}. CPU 1 of four is offline and has no row: the second row is CPU 2.`,
      columns,
      readings: [
        {
          uptimeSeconds: 1000,
          cpus: [
            { cpu: 0, processed: 0x10, dropped: 0xa, timeSqueeze: 2, receivedRps: 0x99, flowLimitCount: 1 },
            { cpu: 2, processed: 0x100, backlogLen: 7, inputQlen: 3, processQlen: 4 },
            { cpu: 3, cpuCollision: 1 },
          ],
        },
        {
          uptimeSeconds: 1002,
          cpus: [
            { cpu: 0, processed: 0x20, dropped: 0x2a, timeSqueeze: 2, receivedRps: 0xa0, flowLimitCount: 6 },
            { cpu: 2, processed: 0x1100, backlogLen: 3, inputQlen: 3, processQlen: 0 },
            { cpu: 3, cpuCollision: 1 },
          ],
        },
      ],
    },
    {
      name: `columns-${columns}-wrap`,
      about: `${kernels}. Every counter wraps at 32 bits; a gauge that falls does not.`,
      columns,
      readings: [
        {
          uptimeSeconds: 5000.5,
          cpus: [
            {
              cpu: 0,
              processed: 0xffff_fff0,
              dropped: 0xffff_ffff,
              timeSqueeze: 0x8000_0000,
              cpuCollision: 0xffff_fffe,
              receivedRps: 0xffff_0000,
              flowLimitCount: 0xffff_fff0,
              backlogLen: 1000,
              inputQlen: 600,
              processQlen: 400,
            },
            { cpu: 1, processed: 0x7fff_ffff },
          ],
        },
        {
          uptimeSeconds: 5001.5,
          cpus: [
            {
              cpu: 0,
              processed: 0x10,
              dropped: 0,
              timeSqueeze: 0x7fff_ffff,
              cpuCollision: 1,
              receivedRps: 0,
              flowLimitCount: 0x20,
              backlogLen: 10,
              inputQlen: 0,
              processQlen: 10,
            },
            { cpu: 1, processed: 0x8000_0000 },
          ],
        },
      ],
    },
    {
      name: `columns-${columns}-reboot`,
      about: `${kernels}. The boot id differs: counters that fell began anew and did not wrap.`,
      columns,
      readings: [
        { uptimeSeconds: 86400, cpus: [{ cpu: 0, processed: 0x5000, dropped: 0x50 }, { cpu: 1 }] },
        {
          uptimeSeconds: 90000,
          bootId: LATER_BOOT,
          cpus: [{ cpu: 0, processed: 0x6000, dropped: 0x10 }, { cpu: 1 }],
        },
      ],
      noGrowth: "rebooted" as const,
    },
    {
      name: `columns-${columns}-cpus-come-and-go`,
      about: `${kernels}. CPU 1 goes offline and CPU 4 comes online: a row moves up, and its counters with it.`,
      columns,
      readings: [
        {
          uptimeSeconds: 300,
          cpus: [
            { cpu: 0, processed: 10 },
            { cpu: 1, processed: 1000, dropped: 500 },
            { cpu: 2, processed: 20, dropped: 3 },
            { cpu: 3, processed: 30 },
          ],
        },
        {
          uptimeSeconds: 301,
          cpus: [
            { cpu: 0, processed: 11 },
            { cpu: 2, processed: 22, dropped: 3 },
            { cpu: 3, processed: 33, dropped: 1 },
            { cpu: 4, processed: 4_000_000, dropped: 77 },
          ],
        },
      ],
    },
  ]),
  {
    name: "flow-limit-switched-off",
    about:
      "Writing flow_limit_cpu_bitmap sets the count of the flow limit to zero within a boot, and no other counter.",
    columns: 15,
    readings: [
      { uptimeSeconds: 10, cpus: [{ cpu: 0, dropped: 30000, flowLimitCount: 11438 }, { cpu: 1 }] },
      { uptimeSeconds: 14, cpus: [{ cpu: 0, dropped: 30005, flowLimitCount: 3 }, { cpu: 1 }] },
    ],
  },
  {
    name: "hexadecimal-ids",
    about: "Column 13 is hexadecimal as everything else: 00000010 is CPU 16.",
    columns: 13,
    readings: [
      {
        uptimeSeconds: 50,
        cpus: [8, 9, 10, 15, 16, 17, 64, 255].map((cpu) => ({ cpu, processed: cpu * 3 })),
      },
    ],
  },
  {
    name: "cpus-1024",
    about: "1024 rows: 138,240 bytes, which the kernel hands out in reads of at most 4096.",
    columns: 15,
    readings: [
      {
        uptimeSeconds: 777,
        cpus: Array.from({ length: 1024 }, (_, cpu) => ({ cpu, processed: 0xfedc_0000 + cpu, dropped: cpu })),
      },
    ],
  },
  {
    name: "reboot-without-boot-id",
    about: "Where the boot id cannot be read, an uptime that fell tells a reboot from a wrap.",
    columns: 15,
    readings: [
      { uptimeSeconds: 86400, bootId: null, cpus: [{ cpu: 0, processed: 0x5000 }] },
      { uptimeSeconds: 30, bootId: null, cpus: [{ cpu: 0, processed: 0x100 }] },
    ],
    noGrowth: "rebooted",
  },
  {
    name: "no-time-passed",
    about: "Two readings at the same time have no rate.",
    columns: 15,
    readings: [
      { uptimeSeconds: 10, cpus: [{ cpu: 0, processed: 1 }] },
      { uptimeSeconds: 10, cpus: [{ cpu: 0, processed: 2 }] },
    ],
    noGrowth: "no-time-passed",
  },
  {
    name: "container-sees-fewer-cpus",
    about: "lxcfs shows a container CPU 0 and 1 as online, while the counters are those of all four.",
    columns: 11,
    readings: [
      {
        uptimeSeconds: 60,
        online: "0-1",
        possible: "0-3",
        cpus: [0, 1, 2, 3].map((cpu) => ({ cpu, processed: 100 + cpu })),
      },
    ],
  },
  {
    name: "no-online-map",
    about: "Without /sys, and without column 13, the row's number is the best answer left.",
    columns: 10,
    readings: [{ uptimeSeconds: 60, online: null, cpus: [0, 1].map((cpu) => ({ cpu, processed: 5 - cpu })) }],
  },
  refusedCase("empty", "The file is empty.", "", 1, "it is empty"),
  refusedCase(
    "torn-in-a-word",
    "The file ends within a word.",
    `${line(13)}\n${line(13).slice(0, 40)}`,
    2,
    "no line end",
  ),
  refusedCase(
    "torn-between-words",
    "The last row is short.",
    `${line(13)}\n${line(12)}\n`,
    2,
    "12 columns of 13",
  ),
  refusedCase(
    "ragged",
    "A row is longer than the first.",
    `${line(11)}\n${line(12)}\n`,
    2,
    "12 columns of 11",
  ),
  refusedCase(
    "too-few-columns",
    "No kernel printed fewer than nine.",
    `${line(8)}\n`,
    1,
    "8 columns, at least 9",
  ),
  refusedCase(
    "foreign",
    "Some other file.",
    "cpu  10199 0 8242 247185 811 0 186 1098 0 0\n",
    1,
    "it holds a letter",
  ),
  refusedCase(
    "word-too-long",
    "Counters have 32 bits.",
    `${line(8)} 000000000\n`,
    1,
    "a word of nine digits",
  ),
  refusedCase(
    "cpu-twice",
    "Two rows say that they are CPU 0.",
    `${line(13)}\n${line(13)}\n`,
    2,
    "CPU 0 follows CPU 0",
  ),
  {
    name: "refused-cpu-went-between",
    about:
      "Three rows, but two CPUs are online by the time the map is read: nobody knows which row is whose.",
    columns: 11,
    readings: [
      {
        uptimeSeconds: 60,
        online: "0-1",
        possible: "0-3",
        cpus: [{ cpu: 0 }, { cpu: 1 }, { cpu: 2 }],
        refused: { line: 3, because: "3 rows for 2 online CPUs" },
      },
    ],
  },
];

/** The files of every constructed case, by their path below corpus/. */
export function constructedFiles(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const each of CASES) {
    files.set(`${each.name}/case.json`, caseJson(each));
    for (const [index, reading] of each.readings.entries()) {
      const root = `${each.name}/${index + 1}`;
      const { text, bootId = BOOT, online = cpuList(reading.cpus), possible } = reading;
      files.set(`${root}/proc/net/softnet_stat`, text ?? rowsOf(reading.cpus, each.columns));
      if (bootId !== null) files.set(`${root}/proc/sys/kernel/random/boot_id`, `${bootId}\n`);
      if (online !== null) files.set(`${root}/sys/devices/system/cpu/online`, `${online}\n`);
      if (possible !== undefined) files.set(`${root}/sys/devices/system/cpu/possible`, `${possible}\n`);
    }
  }
  return files;
}

function refusedCase(name: string, about: string, text: string, atLine: number, because: string): Case {
  return {
    name: `refused-${name}`,
    about,
    columns: 0,
    readings: [{ uptimeSeconds: 1, cpus: [{ cpu: 0 }], text, refused: { line: atLine, because } }],
  };
}

function line(columns: number): string {
  return Array.from({ length: columns }, () => word(0)).join(" ");
}

function word(value: number): string {
  return value.toString(16).padStart(8, "0");
}

function rowsOf(cpus: readonly Cpu[], columns: number): string {
  return cpus.map((cpu) => `${wordsOf(cpu, columns).map(word).join(" ")}\n`).join("");
}

function wordsOf(cpu: Cpu, columns: number): number[] {
  const { processed = 0, dropped = 0, timeSqueeze = 0, cpuCollision = 0 } = cpu;
  const { receivedRps = 0, flowLimitCount = 0, backlogLen = 0, inputQlen = 0, processQlen = 0 } = cpu;
  const head = [processed, dropped, timeSqueeze, 0, 0, 0, 0, 0, cpuCollision, receivedRps, flowLimitCount];
  const groCoalesced = 0xabc;
  const unknown = [0xffff_ffff, 0x1234_5678, 1];
  const tail = columns === 12 ? [groCoalesced] : [backlogLen, cpu.cpu, inputQlen, processQlen, ...unknown];
  return [...head, ...tail].slice(0, columns);
}

function cpuList(cpus: readonly Cpu[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const { cpu } of cpus) {
    const range = ranges.at(-1);
    if (range && range.last === cpu - 1) range.last = cpu;
    else ranges.push({ first: cpu, last: cpu });
  }
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}

function caseJson(each: Case): string {
  const readings = each.readings.map((reading) => {
    const start = `    { "uptimeSeconds": ${reading.uptimeSeconds}, `;
    if (reading.refused) return `${start}"refused": ${JSON.stringify(reading.refused)} }`;
    const rows = reading.cpus.map((cpu) => printed(cpu, each.columns, [...COUNTERS, ...GAUGES]));
    return `${start}"columns": ${each.columns}, "cpus": [\n${rows.map((row) => `      ${row}`).join(",\n")}\n    ] }`;
  });
  const growth = growthJson(each);
  return [
    "{",
    `  "about": ${JSON.stringify(each.about)},`,
    `  "origin": "constructed",`,
    `  "readings": [\n${readings.join(",\n")}\n  ]${growth === undefined ? "" : ","}`,
    ...(growth === undefined ? [] : [`  "growth": ${growth}`]),
    "}",
    "",
  ].join("\n");
}

function growthJson({ readings, columns, noGrowth }: Case): string | undefined {
  const [before, after] = readings;
  if (!before || !after) return undefined;
  if (noGrowth) return JSON.stringify({ none: noGrowth });
  const idsBefore = before.cpus.map(({ cpu }) => cpu);
  const idsAfter = after.cpus.map(({ cpu }) => cpu);
  const rows = after.cpus
    .filter(({ cpu }) => idsBefore.includes(cpu))
    .map((to) => {
      const from = before.cpus.find(({ cpu }) => cpu === to.cpu)!;
      const grown = COUNTERS.map(([name]) => {
        const difference = (to[name] ?? 0) - (from[name] ?? 0);
        const growth = difference < 0 ? difference + 2 ** 32 : difference;
        return [name, name === "flowLimitCount" && growth >= 2 ** 31 ? to[name] : growth];
      });
      return printed({ cpu: to.cpu, ...Object.fromEntries(grown) }, columns, COUNTERS);
    });
  const appeared = idsAfter.filter((cpu) => !idsBefore.includes(cpu));
  const left = idsBefore.filter((cpu) => !idsAfter.includes(cpu));
  const elapsed = after.uptimeSeconds - before.uptimeSeconds;
  return [
    `{ "elapsedSeconds": ${elapsed}, "appeared": ${JSON.stringify(appeared)}, "left": ${JSON.stringify(left)}, "cpus": [`,
    rows.map((row) => `      ${row}`).join(",\n"),
    "    ] }",
  ].join("\n");
}

/** What a kernel of so many columns says of a CPU. */
function printed(cpu: Cpu, columns: number, names: readonly (readonly [keyof Cpu, number])[]): string {
  const said = names.filter(([, from]) => columns >= from).map(([name]) => [name, cpu[name] ?? 0]);
  return JSON.stringify({ cpu: cpu.cpu, ...Object.fromEntries(said) });
}

if (import.meta.main) {
  const corpus = join(import.meta.dirname, "../corpus");
  for (const { name } of CASES) rmSync(join(corpus, name), { recursive: true, force: true });
  for (const [path, text] of constructedFiles()) {
    mkdirSync(dirname(join(corpus, path)), { recursive: true });
    writeFileSync(join(corpus, path), text);
  }
}
