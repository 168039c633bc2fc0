import { FIRST_BOOT_REPORT, type FirstBootReport, parseFirstBootReport } from "../core/first-boot.ts";
import { type Host, readText } from "./host.ts";

/** Undefined on a machine that our user-data did not set up. */
export function readFirstBootReport(host: Host): FirstBootReport | undefined {
  return parseFirstBootReport(readText(host, FIRST_BOOT_REPORT) ?? "");
}
