import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { ASSETS } from "../../src/console/assets.ts";
import { startConsole } from "../../src/console/server.ts";
import type { HistoryDocument, LiveDocument, NowDocument, StateDocument } from "../../src/console/wire.ts";
import { ConsoleError } from "../../src/errors.ts";
import { ask, openStream } from "./requests.ts";
import { BACKLOG_FINDINGS, SimulatedHost } from "./simulated-host.ts";

async function serve(options: ConstructorParameters<typeof SimulatedHost>[0] = {}, address = "127.0.0.1") {
  const host = new SimulatedHost(options);
  const server = await startConsole(host.view, { host: address, port: 0 }, () => host.nowMs);
  return {
    host,
    server,
    origin: server.url,
    async [Symbol.asyncDispose]() {
      await server.close();
      host[Symbol.dispose]();
    },
  };
}

describe("who is answered", () => {
  const hosts: { host: string; status: number }[] = [
    { host: "localhost:9417", status: 200 },
    { host: "LOCALHOST", status: 200 },
    { host: "127.0.0.1:9417", status: 200 },
    { host: "[::1]:9417", status: 200 },
    { host: "localhost:18080", status: 200 }, // The near end of an SSH tunnel.
    { host: "evil.example:9417", status: 403 },
    { host: "localhost.evil.example:9417", status: 403 },
    { host: "127.0.0.1.nip.io:9417", status: 403 },
    { host: "10.0.0.5:9417", status: 403 },
    { host: "localhost@evil.example", status: 403 },
  ];
  test("only our own names in Host, against DNS rebinding", async () => {
    await using console = await serve();
    for (const { host, status } of hosts) {
      for (const path of ["/", "/api/now", "/metrics", "/healthz"]) {
        const answer = await ask(console.origin, path, { headers: { Host: host } });
        const expected = path === "/healthz" && status === 200 ? [200, 503] : [status];
        assert.ok(expected.includes(answer.status), `${path} for ${host}: ${answer.status}`);
        if (status === 403) assert.doesNotMatch(answer.text, /softnet_|<html/);
      }
    }
  });

  test("the literal address it is bound to", async () => {
    await using console = await serve({}, "127.0.0.2");
    const own = await ask(console.origin, "/api/now", { headers: { Host: "127.0.0.2:9417" } });
    assert.equal(own.status, 200);
    const other = await ask(console.origin, "/api/now", { headers: { Host: "127.0.0.3:9417" } });
    assert.equal(other.status, 403);
  });

  test("by IPv6 too", async (t) => {
    let console: Awaited<ReturnType<typeof serve>>;
    try {
      console = await serve({}, "::1");
    } catch (error) {
      if (!(error instanceof ConsoleError)) throw error;
      t.skip("this machine has no IPv6");
      return;
    }
    await using _ = console;
    assert.match(console.origin, /^http:\/\/\[::1\]:\d+\/$/);
    assert.equal((await ask(console.origin, "/")).status, 200);
  });

  test("only GET and HEAD", async () => {
    await using console = await serve();
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
      const answer = await ask(console.origin, "/api/now", { method });
      assert.equal(answer.status, 405, method);
      assert.equal(answer.headers.allow, "GET, HEAD");
    }
    const head = await ask(console.origin, "/metrics", { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(head.text, "");
    assert.ok(Number(head.headers["content-length"]) > 0);
  });

  test("no page of another site in the background, but a link on one", async () => {
    await using console = await serve();
    const from = (site: string, mode: string) =>
      ask(console.origin, "/api/now", { headers: { "Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode } });
    assert.equal((await from("cross-site", "no-cors")).status, 403);
    assert.equal((await from("same-site", "cors")).status, 403);
    assert.equal((await from("cross-site", "navigate")).status, 200);
    assert.equal((await from("same-origin", "cors")).status, 200);
    assert.equal((await from("none", "navigate")).status, 200);
  });

  test("with headers that let nothing in and nothing out", async () => {
    await using console = await serve();
    for (const path of ["/", "/assets/main.js", "/api/now", "/metrics", "/nothing"]) {
      const { headers } = await ask(console.origin, path);
      assert.match(String(headers["content-security-policy"]), /^default-src 'self';/);
      assert.doesNotMatch(String(headers["content-security-policy"]), /unsafe|https?:|data:|\*/);
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.equal(headers["access-control-allow-origin"], undefined);
      assert.equal(headers["referrer-policy"], "no-referrer");
    }
  });

  for (const path of [
    "//",
    "/%",
    "/..%2f..%2fetc/passwd",
    "/assets/../server.ts",
    "/constructor",
    "/__proto__",
    "*",
  ]) {
    test(`nothing at ${path}`, async () => {
      await using console = await serve();
      const { status, text } = await ask(console.origin, path);
      assert.equal(status, 404);
      assert.equal(text, "there is nothing here\n");
    });
  }
});

describe("the page", () => {
  test("every file it names is there, with its type", async () => {
    await using console = await serve();
    for (const [path, { contentType }] of Object.entries(ASSETS)) {
      const { status, headers, text } = await ask(console.origin, path);
      assert.equal(status, 200, path);
      assert.equal(headers["content-type"], contentType, path);
      for (const [, other] of text.matchAll(/(?:src|href|from)\s*=?\s*"(\.?\/[^"]+)"/g)) {
        const named = new URL(other!, `http://localhost${path}`).pathname;
        assert.ok(named in ASSETS, `${path} names ${named}`);
      }
    }
  });

  test("names nothing of another origin, and nothing inline", async () => {
    await using console = await serve();
    const page = await ask(console.origin, "/");
    assert.doesNotMatch(page.text, /https?:\/\/|<script>|style=| on\w+=/);
  });
});

describe("/api/now", () => {
  test("holds the second, the verdict and the host", async () => {
    await using console = await serve({ cpus: 2 });
    const { host } = console;
    host.verdict = { ...host.verdict, severity: "critical", findings: BACKLOG_FINDINGS };
    host.tick(
      { dropped: { 1: 30 }, squeezed: { 0: 4 }, processedOf: { 0: 100, 1: 5 }, backlog: { 1: 9 } },
      2,
    );
    const { text, headers } = await ask(console.origin, "/api/now");
    const now = JSON.parse(text) as NowDocument;
    assert.equal(headers["content-type"], "application/json; charset=utf-8");
    assert.equal(now.schemaVersion, 1);
    assert.deepEqual(now.live, {
      takenAtMs: host.nowMs,
      elapsedSeconds: 2,
      host: { processed: 52.5, dropped: 15, squeezed: 2, receivedRps: 0, flowLimit: 0, backlog: 9 },
      cpus: {
        cpu: [0, 1],
        processed: [50, 2.5],
        dropped: [0, 15],
        squeezed: [2, 0],
        receivedRps: [0, 0],
        flowLimit: [0, 0],
        backlog: [0, 9],
      },
    });
    assert.equal(now.state.severity, "critical");
    assert.deepEqual(now.state.findings, BACKLOG_FINDINGS);
    assert.deepEqual(
      now.state.settings.find(({ name }) => name === "net.core.netdev_max_backlog"),
      { name: "net.core.netdev_max_backlog", value: "1000" },
    );
    assert.deepEqual(now.state.interfaces[0], {
      name: "eth0",
      kind: "nic",
      driver: "virtio_net",
      rxQueues: 8,
      rps: "0xff",
    });
  });

  test("leaves out what the kernel does not print and what the agent does not have", async () => {
    await using console = await serve({ columns: 9 });
    console.host.tick();
    const now = JSON.parse((await ask(console.origin, "/api/now")).text) as NowDocument;
    assert.deepEqual(Object.keys(now.live!.host), ["processed", "dropped", "squeezed"]);
    for (const name of ["alarms", "plan"]) assert.equal(name in now.state, false, name);
    assert.equal(now.state.incidents, undefined);
  });

  test("has no second before the second sample", async () => {
    await using console = await serve();
    const now = JSON.parse((await ask(console.origin, "/api/now")).text) as NowDocument;
    assert.equal(now.live, null);
  });
});

async function historyOf(origin: string, query: string): Promise<HistoryDocument> {
  const { status, text } = await ask(origin, `/api/history?${query}`);
  assert.equal(status, 200, text);
  return JSON.parse(text) as HistoryDocument;
}

describe("/api/history", () => {
  test("of five minutes holds every second", async () => {
    await using console = await serve();
    for (let i = 0; i < 400; i++) console.host.tick(i === 390 ? { dropped: { 1: 7 } } : {});
    const history = await historyOf(console.origin, "range=now");
    assert.equal(history.timesMs.length, 301);
    assert.equal(history.stepMs, 0);
    assert.equal(history.droppedSum, 7);
    assert.deepEqual(history.peaks, { cpu: [1], dropped: [7], squeezed: [0] });
    assert.deepEqual(
      history.cpus.map(({ cpu, dropped }) => [cpu, Math.max(...dropped.map(Number))]),
      [[1, 7]],
    );
  });

  test("of an hour begins with the minutes that the process before kept", async () => {
    await using console = await serve();
    const { host } = console;
    host.remember(120, (minutesAgo) => (minutesAgo === 30 ? { dropped: { 0: 500 } } : {}));
    for (let i = 0; i < 90; i++) host.tick(i === 40 ? { dropped: { 1: 900 } } : {});
    const history = await historyOf(console.origin, "range=1h");
    assert.ok(history.timesMs[0]! < host.nowMs - 55 * 60_000);
    assert.equal(history.timesMs.at(-1), host.nowMs);
    assert.deepEqual(
      history.timesMs,
      history.timesMs.toSorted((a, b) => a - b),
    );
    assert.deepEqual(history.peaks.cpu, [1, 0]);
    assert.equal(history.droppedSum, 1400);
    const [first, second] = history.cpus;
    assert.equal(Math.max(...first!.dropped.map(Number)), 500);
    assert.equal(Math.max(...second!.dropped.map(Number)), 900);
    for (const column of [history.host.dropped, first!.dropped, second!.processed!]) {
      assert.equal(column.length, history.timesMs.length);
    }
  });

  test("shows a gap where no agent ran", async () => {
    await using console = await serve();
    const { host } = console;
    host.remember(30, () => ({}));
    host.nowMs += 10 * 60_000;
    host.tick();
    host.tick();
    const history = await historyOf(console.origin, "range=1h");
    const gap = history.host.dropped.indexOf(null);
    assert.ok(gap > 0);
    assert.ok(history.timesMs[gap]! > host.nowMs - 10 * 60_000 && history.timesMs[gap]! < host.nowMs - 1000);
  });

  test("of a day has lines of CPUs, of a month the host's alone", async () => {
    await using console = await serve();
    console.host.remember(3000, (minutesAgo) =>
      minutesAgo === 700 || minutesAgo === 2500 ? { dropped: { 1: minutesAgo } } : {},
    );
    const day = await historyOf(console.origin, "range=24h");
    assert.deepEqual([day.cpus.length, day.droppedSum, day.peaks.dropped], [1, 700, [700]]);
    const month = await historyOf(console.origin, "range=30d");
    assert.deepEqual([month.cpus.length, month.droppedSum, month.peaks.dropped], [0, 3200, [700]]);
    assert.equal(Math.max(...month.host.dropped.map(Number)), 2500);
    assert.ok(month.timesMs.length < 722 && day.timesMs.length < 722);
  });

  test("adds lines of the CPUs asked for to those of the worst", async () => {
    await using console = await serve({ cpus: 64 });
    const dropped = Object.fromEntries(Array.from({ length: 30 }, (_, cpu) => [cpu, 100 - cpu]));
    console.host.tick({ dropped });
    console.host.tick({ dropped });
    const history = await historyOf(console.origin, "range=now&cpu=29&cpu=12");
    assert.deepEqual(
      history.cpus.map(({ cpu }) => cpu),
      [0, 1, 2, 3, 4, 5, 12, 29],
    );
    assert.equal(history.peaks.cpu.length, 30);
  });

  const refused: { query: string; error: object }[] = [
    {
      query: "range=7d",
      error: { code: "bad-range", expected: "one of now 1h 24h 30d", got: '"7d"', where: "range" },
    },
    {
      query: "cpu=-1",
      error: { code: "bad-cpu", expected: "at most 8 CPU ids", got: '"-1"', where: "cpu" },
    },
    {
      query: Array.from({ length: 9 }, (_, cpu) => `cpu=${cpu}`).join("&"),
      error: { code: "bad-cpu", expected: "at most 8 CPU ids", got: "9 of them", where: "cpu" },
    },
  ];
  for (const { query, error } of refused) {
    test(`refuses ${query.slice(0, 20)}`, async () => {
      await using console = await serve();
      const { status, text } = await ask(console.origin, `/api/history?${query}`);
      assert.equal(status, 400);
      assert.deepEqual(JSON.parse(text), { schemaVersion: 1, error });
    });
  }
});

describe("/api/live", () => {
  test("brings the state at once, each second as it passes, and the state again when it changed", async () => {
    await using console = await serve();
    const { host, server } = console;
    const stream = await openStream(console.origin, "/api/live");
    assert.equal(stream.headers["content-type"], "text/event-stream; charset=utf-8");
    const first = await stream.next();
    assert.equal(first?.event, "state");
    assert.equal((first.data as StateDocument).severity, "healthy");

    host.tick({ dropped: { 0: 5 } });
    server.publish();
    const state = await stream.next();
    assert.equal(state?.event, "state"); // The first publish does not know what the stream began with.
    const sample = await stream.next();
    assert.equal(sample?.event, "sample");
    assert.equal(sample?.id, String(host.nowMs));
    assert.equal((sample.data as LiveDocument).host.dropped, 5);

    server.publish(); // A tick that failed: nothing new.
    host.tick();
    server.publish();
    assert.deepEqual([(await stream.next())?.event], ["sample"]);

    host.verdict = { ...host.verdict, severity: "warning", findings: BACKLOG_FINDINGS };
    host.tick();
    server.publish();
    const changed = await stream.next();
    assert.deepEqual([changed?.event, (changed!.data as StateDocument).severity], ["state", "warning"]);
    stream.close();
  });

  for (const how of ["by header", "by address"]) {
    test(`resumes with what was missed, asked ${how}`, async () => {
      await using console = await serve();
      const { host } = console;
      host.tick();
      const lastSeen = host.nowMs;
      for (let i = 0; i < 20; i++) host.tick(i === 11 ? { dropped: { 1: 77 } } : {});
      const stream =
        how === "by header"
          ? await openStream(console.origin, "/api/live", { headers: { "Last-Event-ID": String(lastSeen) } })
          : await openStream(console.origin, `/api/live?after=${lastSeen}`);
      const events = [await stream.next(), await stream.next(), await stream.next()];
      assert.deepEqual(
        events.map((each) => each?.event),
        ["state", "missed", "sample"],
      );
      const missed = events[1]!.data as HistoryDocument;
      assert.equal(missed.timesMs.length, 20);
      assert.equal(missed.timesMs[0], lastSeen + 1000);
      assert.equal(missed.host.dropped[11], 77);
      assert.deepEqual(
        missed.cpus.map(({ cpu }) => cpu),
        [1],
      );
      stream.close();
    });
  }

  test("is open to sixteen readers, and to a new one as soon as one goes", async () => {
    await using console = await serve();
    const streams = await Promise.all(
      Array.from({ length: 16 }, () => openStream(console.origin, "/api/live")),
    );
    const refused = await ask(console.origin, "/api/live");
    assert.equal(refused.status, 503);
    assert.match(refused.text, /expected at most 16 live streams/);
    assert.equal((await ask(console.origin, "/api/now")).status, 200);

    streams[0]!.close();
    let status = 503;
    while (status === 503) {
      const again = await openStream(console.origin, "/api/live");
      ({ status } = again);
      again.close();
    }
    assert.equal(status, 200);
    for (const stream of streams) stream.close();
  });

  test("ends with the agent, which does not wait for its readers", async () => {
    await using console = await serve();
    const stream = await openStream(console.origin, "/api/live");
    await stream.next();
    await console.server.close();
    assert.equal(await stream.next(), undefined);
    await assert.rejects(ask(console.origin, "/"), { code: "ECONNREFUSED" });
    console.server.close = () => Promise.resolve();
  });
});

describe("/healthz", () => {
  test("is 200 while samples are fresh and 503 with the reason otherwise", async () => {
    await using console = await serve();
    const { host, origin } = console;
    const health = async () => {
      const { status, text } = await ask(origin, "/healthz");
      return [status, text];
    };
    host.tick();
    assert.deepEqual(await health(), [200, "ok\n"]);
    host.nowMs += 4900;
    assert.deepEqual(await health(), [200, "ok\n"]);
    host.nowMs += 200;
    assert.deepEqual(await health(), [503, "the last sample is 5.1 s old\n"]);
    host.status = { ...host.status, sampleProblem: { atMs: host.nowMs, message: "softnet_stat is torn" } };
    assert.deepEqual(await health(), [503, "the last sample is 5.1 s old: softnet_stat is torn\n"]);
    host.latest = undefined;
    assert.deepEqual(await health(), [503, "no sample yet: softnet_stat is torn\n"]);
  });

  test("waits longer where samples are taken less often", async () => {
    await using console = await serve();
    console.host.tick();
    console.host.status = { ...console.host.status, sampleEverySeconds: 10 };
    console.host.nowMs += 29_000;
    assert.equal((await ask(console.origin, "/healthz")).status, 200);
  });
});

describe("captures", () => {
  test("are for download where the agent gives them", async () => {
    await using console = await serve();
    assert.equal((await ask(console.origin, "/api/capture")).status, 404);
    console.host.more.incidents = {
      list: () => [],
      readCapture: (name) => (name === 'web 17".capture' ? "softnet-capture 1\n" : undefined),
    };
    assert.equal((await ask(console.origin, "/api/capture?name=../softnet.db")).status, 404);
    const { status, headers, text } = await ask(
      console.origin,
      `/api/capture?name=${encodeURIComponent('web 17".capture')}`,
    );
    assert.equal(status, 200);
    assert.equal(headers["content-disposition"], 'attachment; filename="web_17_.capture"');
    assert.equal(text, "softnet-capture 1\n");
  });
});

describe("the address", () => {
  test("that is taken is an error with that code", async () => {
    await using console = await serve();
    const port = Number(new URL(console.origin).port);
    await assert.rejects(
      startConsole(console.host.view, { host: "127.0.0.1", port }),
      (error) => error instanceof ConsoleError && error.code === "console-port-taken",
    );
  });

  test("that this machine does not have is another", async () => {
    await using console = await serve();
    await assert.rejects(
      startConsole(console.host.view, { host: "192.0.2.1", port: 0 }),
      (error) => error instanceof ConsoleError && error.code === "console-address-unusable",
    );
  });
});
