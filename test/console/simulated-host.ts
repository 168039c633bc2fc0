import { mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type {
  AgentStatus,
  AlarmState,
  ConsoleView,
  CurrentVerdict,
  LatestSample,
  RemedyPlan,
  WebhookStatus,
} from "../../src/console/view.ts";
import { deltaBetween } from "../../src/core/delta.ts";
import type { Finding } from "../../src/core/finding.ts";
import type { HostSettings } from "../../src/core/host-settings.ts";
import type { DriftDocument } from "../../src/core/remedy-document.ts";
import { COLUMN, type SoftnetSample } from "../../src/core/softnet-sample.ts";
import { addToWindow, closeWindow, isOver, openWindow } from "../../src/core/window.ts";
import { RecentPoints } from "../../src/store/recent-points.ts";
import { Store } from "../../src/store/store.ts";

type ByCpu = Readonly<Record<number, number>>;

/** What the counters grow by in one tick; a CPU that is not named does not drop and is not squeezed. */
export interface Growth {
  readonly dropped?: ByCpu;
  readonly squeezed?: ByCpu;
  /** Of every CPU that is not named in `processedOf`. */
  readonly processed?: number;
  readonly processedOf?: ByCpu;
  /** A gauge. */
  readonly backlog?: ByCpu;
}

const MINUTE_MS = 60_000;

/** A host whose counters and clock the test moves, behind the same view, rings and store as in the agent. */
export class SimulatedHost implements Disposable {
  readonly recent = new RecentPoints();
  readonly view: ConsoleView;
  nowMs: number;
  verdict: CurrentVerdict;
  /** There is no verdict yet. */
  isMeasuring = false;
  status: AgentStatus;
  settings: HostSettings;
  /** The view with what the test adds: alarms, drift, a plan, incidents. */
  readonly more: { -readonly [Name in "alarms" | "drift" | "plan" | "incidents"]?: ConsoleView[Name] } = {};
  latest: LatestSample | undefined;
  readonly #columns: number;
  readonly #dir = mkdtempDisposableSync(join(tmpdir(), "softnet-console-"));
  readonly #store: Store;
  #window: ReturnType<typeof openWindow>;
  #monotonicMs = 1_000_000;

  constructor({ cpus = 2, columns = 15, nowMs = Date.UTC(2026, 10, 22, 12, 0, 0) } = {}) {
    this.nowMs = nowMs;
    this.#columns = columns;
    this.#store = new Store({ dir: this.#dir.path, limitMb: 64, notice: console.error });
    this.#window = openWindow(nowMs);
    this.verdict = {
      severity: "healthy",
      sinceMs: nowMs,
      losesPackets: false,
      findings: [],
      cannotHelp: [],
      elsewhere: [],
    };
    this.settings = settingsOf(cpus);
    this.status = {
      startedAtMs: nowMs,
      sampleEverySeconds: 1,
      samples: 0,
      sampleErrors: 0,
      sampleProblem: undefined,
      sink: {
        kind: "local",
        why: {
          en: "No credentials were found: neither in the environment nor from the metadata service.",
          zh: "没有找到凭证：环境变量和元数据服务中都没有。",
        },
      },
      pushes: {
        accepted: 0,
        ambiguousRepeats: 0,
        givenUp: 0,
        queuedBatches: 0,
        lastAcceptedAtMs: undefined,
        quotaReached: false,
        problem: undefined,
      },
      webhook: undefined,
      state: { dir: "/var/lib/softnet", bytes: 1_840_000, limitBytes: 64_000_000, problem: undefined },
    };
    this.latest = { sample: this.#sample(new Uint32Array(cpus * columns)), delta: undefined };
    const { more } = this;
    // Getters, so that a part the test has not added is absent.
    this.view = Object.defineProperties(
      {
        latest: () => this.latest,
        recent: this.recent,
        history: this.#store.history,
        verdict: () => (this.isMeasuring ? undefined : this.verdict),
        settings: () => this.settings,
        identity: () => ({
          instanceId: "i-bp1f7c2k9w3x5z8q",
          instanceType: "ecs.g7ne.8xlarge",
          region: "cn-hangzhou",
          bootedAtMs: this.#bootedAtMs,
        }),
        status: () => this.status,
      },
      Object.fromEntries(
        (["alarms", "drift", "plan", "incidents"] as const).map((name) => [name, { get: () => more[name] }]),
      ),
    );
    this.#bootedAtMs = nowMs - 11 * 24 * 3_600_000 - 5 * 3_600_000;
  }

  readonly #bootedAtMs: number;

  /** One sample later. */
  tick(growth: Growth = {}, seconds = 1): void {
    const before = this.latest!.sample;
    const words = before.words.slice();
    before.cpus.forEach((cpu, row) => {
      const at = (column: number): number => row * this.#columns + column;
      words[at(COLUMN.processed)]! += growth.processedOf?.[cpu] ?? growth.processed ?? 1000;
      words[at(COLUMN.dropped)]! += growth.dropped?.[cpu] ?? 0;
      words[at(COLUMN.timeSqueeze)]! += growth.squeezed?.[cpu] ?? 0;
      if (this.#columns > COLUMN.backlogLen) words[at(COLUMN.backlogLen)] = growth.backlog?.[cpu] ?? 0;
    });
    this.nowMs += seconds * 1000;
    this.#monotonicMs += seconds * 1000;
    const sample = this.#sample(words);
    const delta = deltaBetween(before, sample);
    if (delta.kind !== "delta") throw new Error(`No growth: ${delta.kind}`);
    this.latest = { sample, delta };
    this.status = { ...this.status, samples: this.status.samples + 1 };
    this.recent.add(delta);
    addToWindow(this.#window, delta);
    if (!isOver(this.#window, this.nowMs)) return;
    const closed = closeWindow(this.#window);
    if (closed) this.#store.history.add(closed, 0);
    this.#window = openWindow(this.nowMs);
  }

  /** Minutes that an agent before this one kept, the newest of them ending now: a sample of a whole minute each. */
  remember(minutes: number, growthOf: (minutesAgo: number) => Growth): void {
    const counters = this.latest!;
    const [now, monotonic] = [this.nowMs, this.#monotonicMs];
    this.#store.inOneTransaction(() => {
      for (let ago = minutes; ago > 0; ago--) {
        const window = openWindow(now - ago * MINUTE_MS);
        const { dropped = {}, squeezed = {} } = growthOf(ago);
        const cpus = counters.sample.cpus;
        addToWindow(window, {
          kind: "delta",
          takenAtMs: window.startMs,
          elapsedSeconds: 1,
          cpus,
          processed: new Uint32Array(cpus.length).fill(1000),
          dropped: Uint32Array.from(cpus, (cpu) => dropped[cpu] ?? 0),
          timeSqueeze: Uint32Array.from(cpus, (cpu) => squeezed[cpu] ?? 0),
          receivedRps: undefined,
          flowLimitCount: undefined,
          backlogLen: undefined,
          appeared: [],
          left: [],
        });
        this.#store.history.add(closeWindow(window)!, 0);
      }
    });
    [this.nowMs, this.#monotonicMs] = [now, monotonic];
  }

  [Symbol.dispose](): void {
    this.#store[Symbol.dispose]();
    this.#dir.remove();
  }

  #sample(words: Uint32Array): SoftnetSample {
    const rows = words.length / this.#columns;
    if (this.#columns > COLUMN.cpuId) {
      for (let row = 0; row < rows; row++) words[row * this.#columns + COLUMN.cpuId] = row;
    }
    return {
      takenAtMs: this.nowMs,
      monotonicMs: this.#monotonicMs,
      bootId: "5d2c0a4e-6a3c-4a56-9a53-0d2a53a9c0de",
      columns: this.#columns,
      cpus: Uint32Array.from({ length: rows }, (_, row) => row),
      words,
    };
  }
}

function settingsOf(cpus: number): HostSettings {
  return {
    hostname: "web-17",
    kernelRelease: "6.6.30-5.2.al8.x86_64",
    sysctls: {
      netdevMaxBacklog: 1000,
      netdevBudget: 300,
      netdevBudgetUsecs: 2000,
      devWeight: 64,
      flowLimitCpuBitmap: 0n,
      rpsSockFlowEntries: 32_768,
      rpsDefaultMask: 0n,
    },
    cpus: {
      possible: cpus,
      online: Array.from({ length: cpus }, (_, cpu) => cpu),
      isolated: [],
      ofNode: {},
    },
    interfaces: [
      {
        name: "eth0",
        kind: "nic",
        driver: "virtio_net",
        operstate: "up",
        speedMbps: undefined,
        numaNode: 0,
        rxQueues: Array.from({ length: 8 }, (_, index) => ({ index, rpsCpus: 0xffn, rpsFlowCnt: 4096 })),
        txQueues: [],
        threaded: false,
        irqs: [],
      },
      {
        name: "docker0",
        kind: "bridge",
        driver: undefined,
        operstate: "up",
        speedMbps: undefined,
        numaNode: undefined,
        rxQueues: [{ index: 0, rpsCpus: 0n, rpsFlowCnt: 0 }],
        txQueues: [],
        threaded: false,
        irqs: [],
      },
    ],
    memoryAvailableBytes: 42e9,
    inOwnNetworkNamespace: false,
  };
}

/** The findings of a host whose backlog is too small for its bursts. */
export const BACKLOG_FINDINGS: readonly Finding[] = [
  {
    code: "backlog-too-small",
    severity: "critical",
    confidence: 0.86,
    summary: {
      en: "CPU 3 throws away 12,480 packets a second: its backlog of 1000 packets is full while the CPU has time left.",
      zh: "CPU 3 每秒丢弃 12480 个数据包：CPU 尚有余力，而它的积压队列（1000 个包）已满。",
    },
    evidence: {
      droppedPerSecond: 12_480,
      cpus: [3],
      softirqPercent: 61.5,
      squeezedPerSecond: 4,
      netdevMaxBacklog: 1000,
      largestDropOfOneSample: 14_210,
    },
    remedy: "backlog",
  },
  {
    code: "steering-narrow",
    severity: "reason",
    confidence: 0.7,
    summary: {
      en: "RPS spreads eth0 over 8 of 32 CPUs (mask ff): the others stay idle.",
      zh: "RPS 仅将 eth0 分散到 32 个 CPU 中的 8 个（掩码 ff）：其余 CPU 空闲。",
    },
    evidence: { interface: "eth0", rpsCpus: "000000ff", idleCpus: 24 },
    remedy: "rps",
  },
];

/** A backlog that was set back. */
export const BACKLOG_DRIFT: DriftDocument = {
  kind: "sysctl",
  target: "net.core.netdev_max_backlog",
  expected: "16000",
  found: "1000",
  mend: "sudo sysctl -w net.core.netdev_max_backlog=16000",
};

/** What such a host would be told to change. */
export const BACKLOG_PLAN: RemedyPlan = {
  steps: [
    {
      kind: "sysctl",
      target: "net.core.netdev_max_backlog",
      from: "1000",
      to: "16000",
      times: 1,
      why: { en: "The largest burst was 14,210 packets.", zh: "最大的突发为 14,210 个数据包。" },
      cost: { bytesGuide: 24_000_000, bytesUpperBound: 147_000_000, worstDelayMs: 180 },
    },
    {
      kind: "rps",
      target: "eth0 rps_cpus",
      from: "000000ff",
      to: "ffffffff",
      times: 8,
      why: { en: "The other CPUs stay idle.", zh: "其余 CPU 空闲。" },
      cost: null,
    },
  ],
  files: [
    {
      path: "/etc/sysctl.d/99-network-tuning.conf",
      from: null,
      to: "net.core.netdev_max_backlog = 16000",
    },
  ],
  cannotHelp: [
    {
      code: "budget-under-overload",
      what: { en: "Raising net.core.netdev_budget", zh: "调大 net.core.netdev_budget" },
      why: { en: "The passes end by time.", zh: "收包因时间用尽而结束。" },
    },
  ],
  conflicts: [],
  notes: [],
  advice: undefined,
  command: "sudo softnet remedy apply",
  undo: "sudo softnet remedy undo",
};

export const DROPPED_ALARM: readonly AlarmState[] = [
  {
    code: "critical",
    name: { en: "the kernel keeps dropping packets", zh: "内核持续丢包" },
    state: "ok",
    sinceMs: undefined,
    detail: { en: "raised by a critical verdict within a minute", zh: "一分钟内结论为严重时报警" },
  },
  {
    code: "dropped",
    name: { en: "the kernel drops packets", zh: "内核丢弃数据包" },
    state: "warning",
    sinceMs: Date.UTC(2026, 10, 22, 11, 56),
    detail: { en: "raised by dropped packets in 3 minutes in a row", zh: "连续 3 分钟有丢包时报警" },
  },
];

/** One that does not take everything. */
export const WEBHOOK: WebhookStatus = {
  where: "hooks.example",
  delivered: 3,
  givenUp: 1,
  waiting: 2,
  lastDeliveredAtMs: Date.UTC(2026, 10, 22, 11, 57),
  problem: { atMs: Date.UTC(2026, 10, 22, 11, 59), message: "HTTP 500" },
};
