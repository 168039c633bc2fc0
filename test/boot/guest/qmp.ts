import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";

/** Qemu's monitor: QMP, a line of JSON each way. */
export class Qmp {
  readonly #socket: Socket;
  readonly #messages: AsyncIterator<string>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#messages = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  static async connect(path: string): Promise<Qmp> {
    const socket = connect(path);
    await once(socket, "connect");
    const qmp = new Qmp(socket);
    await qmp.execute("qmp_capabilities");
    return qmp;
  }

  /** @throws Error for what qemu refuses. */
  async execute(command: string, args: object = {}): Promise<void> {
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    const answer = await this.#next((message) => "return" in message || "error" in message);
    if ("error" in answer) throw new Error(`qemu, ${command}: ${JSON.stringify(answer["error"])}`);
  }

  /** Waits for something that a command has begun. */
  async event(name: string): Promise<void> {
    await this.#next((message) => message["event"] === name);
  }

  close(): void {
    this.#socket.destroy();
  }

  async #next(isIt: (message: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
    for (;;) {
      const { value, done } = await this.#messages.next();
      if (done) throw new Error("qemu closed its monitor");
      const message = JSON.parse(value) as Record<string, unknown>;
      if (isIt(message)) return message;
    }
  }
}
