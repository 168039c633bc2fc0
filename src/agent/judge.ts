import type { SoftnetDelta } from "../core/delta.ts";
import { elsewhereNotes } from "../core/elsewhere.ts";
import type { HostSeverity } from "../core/finding.ts";
import type { Observation, Reading } from "../core/observation.ts";
import { addStep, newObserver, type Observer, wantedBy } from "../core/observer.ts";
import type { SoftnetSample } from "../core/softnet-sample.ts";
import { type Verdict, verdictOf } from "../core/verdict.ts";
import { advance, type Course, newCourse, type VerdictChange } from "../core/verdict-over-time.ts";
import { HostError } from "../errors.ts";
import { readCpuTime } from "../host/cpu-time.ts";
import type { Host } from "../host/host.ts";
import { takeReading } from "../host/reading.ts";
import { readHostSettings } from "../host/settings.ts";

/** What the agent knows of its host after a sample. */
export interface Judgement {
  /** Held over time: what goes to CloudMonitor. */
  readonly severity: HostSeverity;
  /** Of the last ten seconds, as they are. */
  readonly verdict: Verdict;
  /** What the verdict rests on; undefined while nothing grows. */
  readonly observation: Observation | undefined;
  /** Told as a custom event. */
  readonly change: VerdictChange | undefined;
  readonly course: Course;
}

/** What there is to say: an episode that is quiet for a moment is still told by what it was about. */
export function spokenVerdict({ verdict, course }: Judgement): Verdict {
  return verdict.findings.length > 0 ? verdict : (course.episode?.verdict ?? verdict);
}

/** Judges a host without an end. While nothing grows a call costs microseconds and reads nothing but CPU time every ten seconds. */
export class Judge {
  readonly #host: Host;
  #bootId: string | undefined;
  #observer: Observer = newObserver();
  #course: Course | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  /**
   * @param delta the growth that ends with `sample`.
   */
  judge(delta: SoftnetDelta, sample: SoftnetSample): Judgement {
    if (sample.bootId !== this.#bootId) {
      this.#bootId = sample.bootId;
      this.#observer = newObserver();
      this.#course = undefined;
    }
    const host = this.#host;
    const wanted = wantedBy(this.#observer, delta);
    const observation = addStep(this.#observer, delta, {
      cpuTime: wanted.cpuTime ? readCpuTime(host) : undefined,
      reading: wanted.reading ? wholeReading(host, sample) : undefined,
      settings: wanted.settings ? readHostSettings(host) : undefined,
    });
    const verdict = observation ? verdictOf(observation) : calmVerdict(this.#observer);
    const { course, change } = advance(
      this.#course ?? newCourse(sample.monotonicMs),
      sample.monotonicMs,
      verdict,
    );
    this.#course = course;
    return { severity: course.severity, verdict, observation, change, course };
  }
}

/** Undefined when the counters vanished since the sample: the verdict does without, and the next sample will say why. */
function wholeReading(host: Host, sample: SoftnetSample): Reading | undefined {
  try {
    return takeReading(host, sample, "all");
  } catch (error) {
    if (error instanceof HostError) return undefined;
    throw error;
  }
}

function calmVerdict({ elsewhere }: Observer): Verdict {
  return {
    severity: "healthy",
    findings: [],
    losesPackets: false,
    cannotHelp: [],
    elsewhere: elsewhereNotes(elsewhere),
  };
}
