import { addToWindow, type ClosedWindow, closeWindow, openWindow } from "../../src/core/window.ts";
import { deltaOf } from "../core/deltas.ts";

/** A closed minute with one sample of one second. */
export function minuteOf(
  startMs: number,
  growth: {
    readonly dropped?: Readonly<Record<number, number>>;
    readonly timeSqueeze?: Readonly<Record<number, number>>;
  } = {},
): ClosedWindow {
  const window = openWindow(startMs);
  addToWindow(window, deltaOf({ ...growth, processed: { 0: 100, 1: 100 } }));
  return closeWindow(window)!;
}
