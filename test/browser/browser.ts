import assert from "node:assert/strict";
import { existsSync, mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type BrowserContextOptions, chromium, type Page } from "playwright-core";

import { startConsole } from "../../src/console/server.ts";
import { SimulatedHost } from "../console/simulated-host.ts";

/** A name that leads to this machine, as a page that does DNS rebinding would use. */
export const REBOUND_NAME = "rebound.example";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
  existsSync(path),
);

/** Debian's browser, without what it does on the network by itself. */
export async function openBrowser() {
  const profile = mkdtempDisposableSync(join(tmpdir(), "softnet-browser-"));
  const browser = await chromium.launch({
    ...(CHROMIUM && { executablePath: CHROMIUM }),
    env: { ...process.env, HOME: profile.path },
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--host-resolver-rules=MAP ${REBOUND_NAME} 127.0.0.1`,
    ],
  });
  return {
    browser,
    async close() {
      await browser.close();
      profile.remove();
    },
  };
}

type Browser = Awaited<ReturnType<typeof openBrowser>>["browser"];

/** The console of a simulated host, open in a window. Whatever the page complains of or asks of others fails the test that closes it. */
export async function openConsole(
  browser: Browser,
  {
    host: hostOptions = {},
    prepare,
    path = "",
    ...context
  }: BrowserContextOptions & {
    readonly host?: ConstructorParameters<typeof SimulatedHost>[0];
    readonly prepare?: (host: SimulatedHost) => void;
    readonly path?: string;
  } = {},
) {
  const host = new SimulatedHost(hostOptions);
  for (let i = 0; i < 20; i++) host.tick();
  prepare?.(host);
  let server = await startConsole(host.view, { host: "127.0.0.1", port: 0 }, () => host.nowMs);
  const origin = new URL(server.url).origin;
  const window = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: "en-US",
    timezoneId: "UTC",
    colorScheme: "light",
    ...context,
  });
  const page = await window.newPage();
  const complaints = complaintsOf(page, origin);
  await page.goto(`${origin}/${path}`);
  await page.waitForSelector("#connection[data-status=live]");
  return {
    host,
    page,
    origin,
    complaints,
    /** Lets so many seconds pass, and waits until the page has seen the last one. */
    async tick(growth: Parameters<SimulatedHost["tick"]>[0] = {}, seconds = 1) {
      for (let i = 0; i < seconds; i++) {
        host.tick(growth);
        server.publish();
      }
      await page.waitForSelector(`body[data-taken-at-ms="${host.nowMs}"]`);
    },
    publish: () => server.publish(),
    async stopAgent() {
      await server.close();
    },
    async startAgent() {
      server = await startConsole(
        host.view,
        { host: "127.0.0.1", port: Number(new URL(origin).port) },
        () => host.nowMs,
      );
    },
    async [Symbol.asyncDispose]() {
      await window.close();
      await server.close();
      host[Symbol.dispose]();
      assert.deepEqual(complaints, []);
    },
  };
}

/** Errors in the page's console, exceptions nobody caught, and requests that leave the origin. */
function complaintsOf(page: Page, origin: string): string[] {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") {
      complaints.push(`${message.type()}: ${message.text()} ${message.location().url}`);
    }
  });
  page.on("pageerror", (error) => complaints.push(`exception: ${error.stack}`));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) complaints.push(`request: ${request.url()}`);
  });
  return complaints;
}
