import { setTimeout as sleep } from "node:timers/promises";

import { growthBetween, readCounters, sumOver } from "./counters.ts";
import type { Lab } from "./lab.ts";
import { evenly, type Load, type Pace } from "./load.ts";

/** More than any CPU takes with rules to walk, sent in small bursts so that the sender keeps up. */
const FLOOD: Pace = evenly(400_000, 16);
const FILL_MS = 150;

/**
 * Gives the receiver so many firewall rules that a packet costs about `microseconds` of its CPU.
 *
 * @returns packets a second that the receiving CPU takes, as measured.
 */
export async function makePacketsCost(microseconds: number, lab: Lab, load: Load): Promise<number> {
  let steps = Math.ceil(microseconds / 2);
  for (let round = 0; ; round++) {
    await lab.setWork(steps);
    const perSecond = await capacityOf(lab, load);
    const cost = 1e6 / perSecond;
    const better = Math.max(1, Math.round((steps * microseconds) / cost));
    if (round === 3 || Math.abs(better - steps) <= Math.max(1, steps / 8)) return perSecond;
    steps = better;
  }
}

/** What the receiver lets in while its queue is full is what its CPU takes out. */
async function capacityOf(lab: Lab, load: Load): Promise<number> {
  const windowMs = 350;
  await load.pace(FLOOD);
  await sleep(FILL_MS);
  const [before, startedAt] = [lab.received().packets, performance.now()];
  await sleep(windowMs);
  const [after, endedAt] = [lab.received().packets, performance.now()];
  await load.pause();
  await lab.settle();
  return ((after - before) * 1000) / (endedAt - startedAt);
}

/**
 * Leaves the load running at `factor` times what the receiving CPU takes: tried, measured and corrected, so that the fault
 * is certain even where the first measurement was disturbed.
 *
 * @returns sends a second.
 */
export async function overloadBy(factor: number, capacityPerSecond: number, load: Load): Promise<number> {
  const wantedShare = 1 - 1 / factor;
  let perSecond = capacityPerSecond * factor;
  for (let round = 0; round < 5; round++) {
    await load.pace(evenly(perSecond, 8));
    await sleep(FILL_MS * 2);
    const share = await lostShareOf(load);
    if (Math.abs(share - wantedShare) < wantedShare * 0.4) break;
    perSecond = factor * perSecond * Math.max(0.1, 1 - share);
  }
  return perSecond;
}

async function lostShareOf(load: Load): Promise<number> {
  const [before, sentBefore] = [readCounters(), await load.report()];
  await sleep(600);
  const [after, sentAfter] = [readCounters(), await load.report()];
  const dropped = sumOver(growthBetween(before, after), "dropped");
  return dropped / Math.max(1, sentAfter.datagrams - sentBefore.datagrams);
}
