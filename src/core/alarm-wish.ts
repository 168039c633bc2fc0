import type { MetricName } from "./metrics.ts";

/** What the operator asked for. What was not said stays as it is, or takes its default where there is nothing yet. */
export interface AlarmWish {
  readonly regionId: string;
  /** Application group of the series, 0 for none; undefined: the one that our rules look at already. */
  readonly seriesGroupId: number | undefined;
  /** Undefined: the group that our rules use already, else ours. */
  readonly contactGroup: string | undefined;
  readonly mail: string | undefined;
  readonly phone: string | undefined;
  /** Of a contact that is made now. */
  readonly contactLang: "zh-cn" | "en";
  /** `off` takes it away. */
  readonly webhook: string | undefined;
  readonly site: Site;
  readonly coverage: Coverage;
}

export type Site = "china" | "intl";

export type Coverage =
  | {
      readonly kind: "instances";
      readonly instanceIds: readonly string[];
      /** Where there is one already, it stays. */
      readonly withSqueezed: boolean;
      /** Instances that are known to exist no more: our rules for them go. */
      readonly goneIds: readonly string[];
    }
  /** One event rule in the place of every rule on an instance. */
  | { readonly kind: "fleet" };

/** What CloudMonitor has seen before: a rule on anything else is refused. */
export interface Reported {
  readonly hasData: (metricName: MetricName, instanceId: string) => boolean;
  readonly hasEvent: boolean;
}
