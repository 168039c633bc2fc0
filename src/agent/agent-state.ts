import * as v from "valibot";

import type { AgentMemory } from "./agent.ts";

/** Raised whenever the shape below changes: an older state is then left alone and a new one begun. */
const STATE_VERSION = 1;

const count = v.pipe(v.number(), v.finite(), v.minValue(0));
const tally = v.object({ sum: count, elapsedSeconds: count, rates: v.array(count) });
const cpuTally = v.object({ dropped: tally, squeezed: tally });
const words = v.instance(Uint32Array);

const storedMemory = v.object({
  stateVersion: v.literal(STATE_VERSION),
  sample: v.optional(
    v.object({
      takenAtMs: count,
      monotonicMs: count,
      bootId: v.optional(v.string()),
      columns: count,
      cpus: words,
      words,
    }),
  ),
  window: v.optional(v.object({ startMs: count, all: cpuTally, cpus: v.record(v.string(), cpuTally) })),
  severities: v.array(count),
  fiveMinutes: v.optional(v.object({ startMs: count, tally: cpuTally, severities: v.array(count) })),
  activeCpus: v.record(v.string(), v.object({ beganMs: count, lastActiveMs: count })),
  lastQueuedStartMs: count,
});

/** What a restart needs, as plain data and `Uint32Array`s. */
export function stateOf(memory: AgentMemory): unknown {
  return { ...memory, stateVersion: STATE_VERSION };
}

/** Undefined when it is of another version or damaged: the agent then begins anew. */
export function memoryOf(state: unknown): AgentMemory | undefined {
  const parsed = v.safeParse(storedMemory, state);
  if (!parsed.success) return undefined;
  const { sample, window, severities, fiveMinutes, activeCpus, lastQueuedStartMs } = parsed.output;
  return {
    sample: sample && { ...sample, bootId: sample.bootId },
    window,
    severities,
    fiveMinutes,
    activeCpus,
    lastQueuedStartMs,
  };
}
