import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { type BacklogNeed, chooseBacklog, queueCost } from "../../../src/core/remedies/backlog-choice.ts";
import { type Bandwidth, bandwidthOf } from "../../../src/core/remedies/bandwidth.ts";

const gbps = (value: number): Bandwidth => ({ gbps: value, source: "flag" });

describe("the next netdev_max_backlog", () => {
  const rows: readonly (Partial<BacklogNeed> & {
    readonly name: string;
    readonly to: number | "unlimited" | "exhausted" | "no-memory";
    readonly exception?: true;
  })[] = [
    { name: "holds the largest loss, rounded up", limit: 5000, largestDrop: 1200, to: 7000 },
    { name: "is rounded up to a thousand only where it must be", limit: 5000, largestDrop: 2000, to: 7000 },
    { name: "begins with the row", limit: 1000, largestDrop: 10, to: 5000 },
    { name: "ends with the row", limit: 1000, largestDrop: 41_185, to: 10_000 },
    {
      name: "is the row of 10 Gbit/s where nobody knows",
      bandwidth: bandwidthOf({ flagGbps: undefined, ingressKbps: undefined, linkMbps: undefined }),
      to: 5000,
    },
    { name: "of 1 Gbit/s is at most 1000", bandwidth: gbps(1), limit: 300, to: 1000 },
    { name: "of 1 Gbit/s at 1000 is an exception", bandwidth: gbps(1), to: 5000, exception: true },
    { name: "of 1.5 Gbit/s", bandwidth: gbps(1.5), to: 5000 },
    { name: "of 10 Gbit/s", bandwidth: gbps(10), to: 5000 },
    { name: "of 10 Gbit/s at its end is an exception", limit: 10_000, to: 30_000, exception: true },
    { name: "of 10 Gbit/s beyond its end too", limit: 20_000, to: 30_000, exception: true },
    { name: "of 10 Gbit/s after the exception is none", limit: 30_000, to: "exhausted" },
    { name: "of 10.1 Gbit/s", bandwidth: gbps(10.1), to: 30_000 },
    {
      name: "of 39.9 Gbit/s at its end is an exception",
      bandwidth: gbps(39.9),
      limit: 30_000,
      to: 60_000,
      exception: true,
    },
    { name: "of 40 Gbit/s", bandwidth: gbps(40), to: 60_000 },
    {
      name: "of 40 Gbit/s that needs more",
      bandwidth: gbps(40),
      limit: 60_000,
      largestDrop: 30_500,
      to: 91_000,
    },
    {
      name: "of 40 Gbit/s ends at 100000",
      bandwidth: gbps(40),
      limit: 60_000,
      largestDrop: 900_000,
      to: 100_000,
    },
    { name: "of 40 Gbit/s at its end is none", bandwidth: gbps(40), limit: 100_000, to: "exhausted" },
    { name: "is never lower than it is", bandwidth: gbps(1), limit: 8000, to: "exhausted" },
    { name: "is none where there is no limit", limit: -1, to: "unlimited" },
    { name: "from 0, a queue of one packet", limit: 0, to: 5000 },
    {
      name: "takes at most half of the free memory",
      memoryAvailableBytes: 64 * 2 ** 20,
      cpus: 2,
      to: "no-memory",
      bandwidth: gbps(40),
      limit: 5000,
    },
    {
      name: "is as much as that holds",
      memoryAvailableBytes: 128 * 2 ** 20,
      cpus: 2,
      largestDrop: 9000,
      to: 7000,
    },
  ];
  for (const { name, to, exception, ...need } of rows) {
    test(name, () => {
      const choice = chooseBacklog({
        limit: 1000,
        largestDrop: 100,
        bandwidth: gbps(10),
        cpus: 8,
        memoryAvailableBytes: 2 ** 34,
        ...need,
      });
      if (choice.kind === "raise") {
        assert.equal(choice.to, to);
        assert.equal(choice.isException, exception ?? false);
      } else {
        assert.equal(choice.kind, to);
      }
    });
  }
});

test("the cost is the guide's estimate, the honest bound, and the delay", () => {
  // Measured on Linux 6.18, see the guide's formula: 363 MB, and 1.1 GB at worst; 30000 packets at 21000/s.
  const cost = queueCost(30_000, 8, 21_000);
  assert.equal(cost.bytesGuide, 363_360_000);
  assert.equal(cost.bytesUpperBound, 1_108_836_960);
  assert.equal(cost.worstDelayMs, 1429);
  assert.equal(queueCost(1000, 1, 0).worstDelayMs, null);
});

describe("the bandwidth", () => {
  const rows = [
    { flagGbps: 3, ingressKbps: 10_000_000, linkMbps: 1000, gbps: 3, source: "flag" },
    { flagGbps: undefined, ingressKbps: 1_500_000, linkMbps: 1000, gbps: 1.5, source: "metadata" },
    { flagGbps: undefined, ingressKbps: 10_000_000, linkMbps: 1000, gbps: 10, source: "metadata" },
    { flagGbps: undefined, ingressKbps: 10_240_000, linkMbps: 1000, gbps: 10, source: "metadata" },
    { flagGbps: undefined, ingressKbps: 10_485_760, linkMbps: 1000, gbps: 10, source: "metadata" },
    { flagGbps: undefined, ingressKbps: undefined, linkMbps: 25_000, gbps: 25, source: "link" },
    { flagGbps: undefined, ingressKbps: 0, linkMbps: -1, gbps: undefined, source: "unknown" },
  ] as const;
  for (const { gbps: value, source, ...sources } of rows) {
    test(`of ${sources.ingressKbps ?? "no"} Kbit/s from the metadata service is taken from: ${source}`, () => {
      assert.deepEqual(bandwidthOf(sources), { gbps: value, source });
    });
  }
});
