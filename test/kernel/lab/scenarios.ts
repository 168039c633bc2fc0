import { type CpuGrowth, growthBetween, readCounters, sumOver } from "./counters.ts";
import { makePacketsCost, overloadBy } from "./calibrate.ts";
import { BOTH_CPUS_MASK, type Lab, RECEIVING_CPU, RECEIVING_CPU_MASK } from "./lab.ts";
import { evenly, type Load } from "./load.ts";

/** Faults of the real kernel. Each begins when its function returns, and lasts until the lab is taken down. */
export interface Scenario {
  readonly name: string;
  /** What goes wrong and what ends it, for whoever reads the test's output. */
  readonly about: string;
  readonly begin: (lab: Lab) => Promise<Scene>;
  /** Whether the kernel's own counters, over a while, show what this is about. */
  readonly holds: (growth: readonly CpuGrowth[]) => boolean;
}

export interface Scene {
  readonly load: Load;
  /** Sends a second on average. */
  readonly offeredPerSecond: number;
}

const MANY_FLOWS = 64;

export const burst: Scenario = {
  name: "burst",
  about: "bursts of 4000 packets at a CPU that is half idle between them: a larger backlog cures it",
  begin: async (lab) => {
    const sends = 4000;
    await lab.connectDirectly();
    lab.steerTo(RECEIVING_CPU_MASK);
    const load = await lab.startLoad({ flows: MANY_FLOWS });
    const capacity = await makePacketsCost(12, lab, load);
    const everyMicroseconds = (sends * 1e6) / (capacity / 2);
    await load.pace({ burst: sends, everyMicroseconds });
    return { load, offeredPerSecond: capacity / 2 };
  },
  holds: (growth) => losesPackets(growth) && !isSaturated(growth),
};

export const overload: Scenario = {
  name: "overload",
  about: "120 % of what one CPU takes, no RPS: RPS cures it and a larger backlog only delays it",
  begin: (lab) => overloaded(lab, { factor: 1.2, packetMicroseconds: 105, through: "bridge", mask: "0" }),
  holds: (growth) => losesPackets(growth) && isSaturated(growth),
};

export const overloadNarrow: Scenario = {
  name: "overload-narrow",
  about: "120 % of what one CPU takes, and an RPS mask that names that CPU alone: a wider mask cures it",
  begin: (lab) =>
    overloaded(lab, { factor: 1.2, packetMicroseconds: 60, through: "veth", mask: RECEIVING_CPU_MASK }),
  holds: (growth) => losesPackets(growth) && isSaturated(growth),
};

export const tripleOverload: Scenario = {
  name: "triple-overload",
  about: "three times what one CPU takes: no backlog is large enough",
  begin: (lab) => overloaded(lab, { factor: 3, packetMicroseconds: 50, through: "bridge", mask: "0" }),
  holds: (growth) => losesPackets(growth) && isSaturated(growth),
};

export const singleFlow: Scenario = {
  name: "single-flow",
  about: "one flow above what one CPU takes, with RPS on all CPUs: RPS cannot split a flow",
  begin: async (lab) => {
    await lab.connectDirectly();
    lab.steerTo(BOTH_CPUS_MASK);
    const load = await flowToReceivingCpu(lab);
    const capacity = await makePacketsCost(60, lab, load);
    return { load, offeredPerSecond: await overloadBy(1.25, capacity, load) };
  },
  holds: (growth) => losesPackets(growth) && isSaturated(growth),
};

export const budget: Scenario = {
  name: "budget",
  about:
    "eight NAPI instances on one CPU that is mostly idle: squeezes at the default budget, no drops, and RPS is no cure",
  begin: async (lab) => {
    const outputs = 8;
    await lab.connectThroughBridge(outputs);
    await lab.useNapi();
    const load = await lab.startLoad({ flows: MANY_FLOWS });
    // Not a multiple of the tick, or the kernel's own sampling of softirq time would always see the same moment.
    const pace = { burst: 64, everyMicroseconds: 2100 };
    await load.pace(pace);
    return { load, offeredPerSecond: (pace.burst * 1e6) / pace.everyMicroseconds };
  },
  holds: (growth) => !losesPackets(growth) && sumOver(growth, "squeezed") > 100,
};

export const flowLimit: Scenario = {
  name: "flow-limit",
  about: "bursts of one heavy flow, with flow limit on: what is lost is that flow's",
  begin: async (lab) => {
    const sends = 4000;
    await lab.connectDirectly();
    lab.steerTo(RECEIVING_CPU_MASK);
    lab.setSysctl("flow_limit_cpu_bitmap", BOTH_CPUS_MASK);
    const load = await lab.startLoad({ flows: 1 });
    const capacity = await makePacketsCost(12, lab, load);
    await load.pace({ burst: sends, everyMicroseconds: (sends * 1e6) / (capacity / 2) });
    const others = await lab.startLoad({ flows: 32, firstPort: 30_000 });
    await others.pace(evenly(capacity / 20, 4));
    return { load, offeredPerSecond: capacity / 2 };
  },
  holds: (growth) => losesPackets(growth) && sumOver(growth, "flowLimit") > 0.8 * sumOver(growth, "dropped"),
};

export const healthy: Scenario = {
  name: "healthy",
  about: "a receiver that is busy for two fifths of its time and loses nothing",
  begin: async (lab) => {
    await lab.connectDirectly();
    lab.steerTo(RECEIVING_CPU_MASK);
    const load = await lab.startLoad({ flows: MANY_FLOWS });
    // Few enough a second that a CPU which the hypervisor takes away for a while does not overflow its queue.
    const capacity = await makePacketsCost(40, lab, load);
    const offeredPerSecond = capacity * 0.4;
    await load.pace(evenly(offeredPerSecond, 16));
    return { load, offeredPerSecond };
  },
  holds: (growth) => !losesPackets(growth),
};

export const napiVethRpsOff: Scenario = {
  name: "napi-veth-rps-off",
  about: "an interface with a NAPI of its own and no RPS: its packets never enter a backlog",
  begin: async (lab) => {
    await lab.connectDirectly();
    await lab.useNapi();
    const load = await lab.startLoad({ flows: MANY_FLOWS });
    await load.pace(evenly(40_000, 32));
    return { load, offeredPerSecond: 40_000 };
  },
  holds: (growth) => !losesPackets(growth),
};

export interface ExactScene extends Scene {
  /** Sends so many bursts at once. @returns how many packets the kernel must have dropped of them. */
  readonly drop: (bursts: number) => Promise<number>;
}

export const gsoBurst = {
  name: "gso-burst",
  about: "sends that are cut into more packets than the backlog holds: so many are lost, to the packet",
  begin: async (lab: Lab): Promise<ExactScene> => {
    const segments = 40;
    const backlog = 16;
    await lab.connectDirectly();
    await lab.cutSendsInSoftware();
    lab.setSysctl("netdev_max_backlog", String(backlog));
    const load = await lab.startLoad({ segments });
    // The packets of one send are queued with softirqs off, and a queue of N takes N + 1.
    const drop = async (bursts: number): Promise<number> => {
      await load.send(bursts);
      return bursts * (segments - (backlog + 1));
    };
    return { load, offeredPerSecond: 0, drop };
  },
  holds: () => true,
} as const satisfies Scenario;

/** Those whose verdict is a matter of rates; `gsoBurst` is silent until it is told to drop. */
export const SCENARIOS: readonly Scenario[] = [
  burst,
  overload,
  overloadNarrow,
  tripleOverload,
  singleFlow,
  budget,
  flowLimit,
  healthy,
  napiVethRpsOff,
];

function losesPackets(growth: readonly CpuGrowth[]): boolean {
  return sumOver(growth, "dropped") > 0;
}

function isSaturated(growth: readonly CpuGrowth[]): boolean {
  return growth.some(({ softirqPercent }) => softirqPercent >= 90);
}

async function overloaded(
  lab: Lab,
  how: {
    readonly factor: number;
    readonly packetMicroseconds: number;
    readonly through: "bridge" | "veth";
    readonly mask: string;
  },
): Promise<Scene> {
  if (how.through === "bridge") await lab.connectThroughBridge();
  else await lab.connectDirectly();
  lab.steerTo(how.mask);
  const load = await lab.startLoad({ flows: MANY_FLOWS });
  const capacity = await makePacketsCost(how.packetMicroseconds, lab, load);
  return { load, offeredPerSecond: await overloadBy(how.factor, capacity, load) };
}

/** RPS chooses a flow's CPU by a hash whose key is drawn at boot: ports are tried until one lands where it must. */
async function flowToReceivingCpu(lab: Lab): Promise<Load> {
  for (let firstPort = 20_000; firstPort < 20_064; firstPort++) {
    const load = await lab.startLoad({ flows: 1, firstPort });
    const before = readCounters();
    await load.send(500);
    await lab.settle();
    const there = growthBetween(before, readCounters()).find(({ cpu }) => cpu === RECEIVING_CPU);
    if ((there?.processed ?? 0) >= 450) return load;
    await load.end();
  }
  throw new Error(`No flow of 64 was steered to CPU ${RECEIVING_CPU}`);
}
