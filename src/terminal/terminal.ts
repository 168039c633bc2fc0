import type { EventEmitter } from "node:events";

/** A terminal as a verb sees it that draws on all of it. */
export interface Terminal {
  /** As it is now. */
  readonly size: () => { readonly columns: number; readonly rows: number };
  /**
   * Takes the terminal until it is given back.
   *
   * @param onResize hears that the size has changed, and that the terminal was suspended and is ours again.
   * @param onQuit hears of the key q.
   * @returns gives it back; the end of the process, whatever ends it, does so too.
   */
  readonly take: (onResize: () => void, onQuit: () => void) => () => void;
}

/** The alternate screen keeps what was on the terminal before. Lines that are too long are cut and not wrapped. */
const ENTER = "\u001b[?1049h\u001b[?25l\u001b[?7l";
const LEAVE = "\u001b[?7h\u001b[?25h\u001b[?1049l";

/** A terminal that knows the first and last sequence shows all or nothing of a drawing; every other one ignores them. */
const BEGIN_DRAWING = "\u001b[?2026h\u001b[H";
const END_DRAWING = "\u001b[J\u001b[?2026l";
const END_LINE = "\u001b[K";

const CONTROL_C = "\u0003";
const CONTROL_Z = "\u001a";
const CONTROL_BACKSLASH = "\u001c";

/** Everything from the terminal's first line on, written over what is there, so that nothing flickers. */
export function drawing(lines: readonly string[]): string {
  return BEGIN_DRAWING + lines.map((line) => line + END_LINE).join("\r\n") + END_DRAWING;
}

/** @param process whose standard output is a terminal. */
export function terminalOf(process: NodeJS.Process): Terminal {
  const { stdin, stdout } = process;
  return {
    // A serial line does not know its size.
    size: () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 }),
    take: (onResize, onQuit) => {
      let isOurs = false;
      const enter = (): void => {
        if (isOurs) return;
        isOurs = true;
        stdout.write(ENTER);
        // Keys come to us and are not shown.
        if (stdin.isTTY) stdin.setRawMode(true);
      };
      const leave = (): void => {
        if (!isOurs) return;
        isOurs = false;
        if (stdin.isTTY) stdin.setRawMode(false);
        stdout.write(LEAVE);
      };
      const onKey = (key: Buffer): void => {
        const text = key.toString();
        if (text === "q" || text === "Q") onQuit();
        // What the terminal itself does with these keys, for the whole group of processes before it.
        else if (text === CONTROL_C) process.kill(0, "SIGINT");
        else if (text === CONTROL_Z) process.kill(0, "SIGTSTP");
        else if (text === CONTROL_BACKSLASH) process.kill(0, "SIGQUIT");
      };
      const end = (signal: NodeJS.Signals): void => {
        leave();
        process.off(signal, end);
        process.kill(process.pid, signal);
      };
      const suspend = (): void => {
        leave();
        process.kill(process.pid, "SIGSTOP");
      };
      const goOn = (): void => {
        enter();
        onResize();
      };

      const listeners: [EventEmitter, ...Parameters<EventEmitter["on"]>][] = [
        [process, "exit", leave],
        [process, "SIGQUIT", end],
        [process, "SIGTSTP", suspend],
        [process, "SIGCONT", goOn],
        [stdout, "resize", onResize],
      ];
      if (stdin.isTTY) listeners.push([stdin, "data", onKey]);
      for (const [emitter, event, listener] of listeners) emitter.on(event, listener);
      enter();
      return () => {
        for (const [emitter, event, listener] of listeners) emitter.off(event, listener);
        if (stdin.isTTY) stdin.pause();
        leave();
      };
    },
  };
}
