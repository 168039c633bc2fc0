import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import type { Page } from "playwright-core";

import {
  BACKLOG_DRIFT,
  BACKLOG_FINDINGS,
  BACKLOG_PLAN,
  DROPPED_ALARM,
  WEBHOOK,
} from "../console/simulated-host.ts";
import { skipWithout } from "../support/needs.ts";
import { openBrowser, openConsole, REBOUND_NAME } from "./browser.ts";

let opened: Awaited<ReturnType<typeof openBrowser>>;

const open = (options?: Parameters<typeof openConsole>[1]) => openConsole(opened.browser, options);

describe("the console in a browser", { skip: skipWithout("chromium") }, () => {
  before(async () => {
    opened = await openBrowser();
  });
  after(() => opened.close());

  test("moves by itself, is calm while nothing is lost, and unmistakable when something is", async () => {
    await using console = await open();
    const { page } = console;
    await page.waitForSelector("#verdict[data-severity=healthy]");
    assert.equal(await page.title(), "web-17 · softnet");
    assert.equal(await burstInk(page), 0, "nothing but the line at zero");
    const picture = await page.evaluate(`${CANVAS_OF_PROCESSED}.toDataURL()`);
    await console.tick({ processed: 40_000 }, 3);
    await page.waitForFunction(`${CANVAS_OF_PROCESSED}.toDataURL() !== ${JSON.stringify(picture)}`);

    await console.tick({ dropped: { 1: 9000 }, backlog: { 1: 1000 } }, 2);
    await page.waitForSelector(".tile[data-number=dropped][data-level=loss]");
    assert.equal(await page.textContent(".tile[data-number=dropped] b"), "9,000");
    assert.equal(await page.textContent(".tile[data-number=backlog] b"), "1,000");
    assert.ok((await burstInk(page)) > 20, "the burst stands in the graph");
    assert.match(
      (await page.textContent("[data-column=dropped] .chart-facts")) ?? "",
      /^18,000 in total · peak 9,000\/s at /,
    );
    assert.equal(await page.title(), "▼ 9,000/s Dropped · web-17");
    assert.match((await page.textContent("#table tr[data-dropping]")) ?? "", /^1 ?9,000/);
    assert.equal(await page.getAttribute(".cell[data-cpu='1']", "data-level"), "dropped-3");

    console.host.verdict = {
      ...console.host.verdict,
      severity: "critical",
      sinceMs: console.host.nowMs,
      findings: BACKLOG_FINDINGS,
    };
    await console.tick({ dropped: { 1: 9000 } });
    await page.waitForSelector("#verdict[data-severity=critical]");
    assert.equal(await page.getAttribute("#icon", "href"), "/assets/icon-critical.svg");
    const findings = (await page.innerText("#findings")).replaceAll(/\s+/g, " ");
    assert.match(findings, /Critical CPU 3 throws away .* backlog-too-small/);
    assert.match(findings, /largestDropOfOneSample 14,210/);
    assert.match(findings, /86%/);
    assert.match(findings, /Fix it with sudo softnet remedy apply/);
  });

  test("finds one bad CPU among 256 at a glance, and keeps its line when it is chosen", async () => {
    await using console = await open({ host: { cpus: 256 } });
    const { page } = console;
    await console.tick({ squeezed: Object.fromEntries(Array.from({ length: 256 }, (_, cpu) => [cpu, 1])) });
    await console.tick({ dropped: { 177: 2500 } });
    const bad = page.locator(".cell[data-now=dropping]");
    await bad.waitFor();
    assert.equal((await page.locator(".cell").count()) - 5, 256, "five more explain the colours");
    assert.equal(await page.locator("#grid .cells .cell:not([data-level=quiet])").count(), 1);
    assert.equal(await bad.getAttribute("data-cpu"), "177");
    assert.match((await page.textContent("#grid .detail")) ?? "", /^CPU 177: dropped 2,500\/s/);
    assert.equal(await page.locator("#table tbody tr").count(), 16);
    assert.equal(await page.locator("#table tbody th").first().textContent(), "177");
    await page.getByRole("button", { name: "Show all 256 CPUs" }).click();
    assert.equal(await page.locator("#table tbody tr").count(), 256);

    await bad.click();
    await page.waitForSelector(".cell[data-cpu='177'][aria-pressed=true]");
    await page.waitForSelector("#table tr[data-pinned]");
  });

  test("switches the range by click, by key and by address", async () => {
    await using console = await open({
      prepare: (host) => host.remember(1400, (ago) => (ago === 700 ? { dropped: { 0: 321 } } : {})),
    });
    const { page } = console;
    assert.equal(await page.getAttribute("[data-range=now]", "aria-pressed"), "true");
    await page.click("[data-range='24h']");
    await page.getByText(/^321 in total/).waitFor();
    assert.equal(new URL(page.url()).hash, "#24h");
    assert.equal(
      await page.locator("figure[data-column=backlog]").isVisible(),
      false,
      "the disk keeps no backlog",
    );
    assert.ok((await burstInk(page)) > 0);

    await page.focus("[data-range='1h']");
    await page.keyboard.press("Enter");
    await page.waitForSelector("[data-range='1h'][aria-pressed=true]");
    await page.locator("figure[data-column=backlog]").waitFor();
    assert.equal(
      await page.evaluate("document.activeElement.dataset.range"),
      "1h",
      "focus stays where it was",
    );

    await page.goto(`${console.origin}/#30d`);
    await page.waitForSelector("[data-range='30d'][aria-pressed=true]");
    await page.goBack();
    await page.waitForSelector("[data-range='1h'][aria-pressed=true]");
  });

  test("follows the system's light and dark, and a choice over it", async () => {
    await using console = await open({ colorScheme: "dark" });
    const { page } = console;
    const background = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const dark = await background();
    await page.emulateMedia({ colorScheme: "light" });
    await page.waitForSelector("html[data-theme=light]");
    assert.notEqual(await background(), dark);
    await page.getByRole("button", { name: "Dark" }).click();
    assert.equal(await background(), dark);
    await page.reload();
    await page.waitForSelector("html[data-theme=dark]");
    assert.equal(await background(), dark);
  });

  test("speaks Chinese where the browser does, and either by a click", async () => {
    await using console = await open({ locale: "zh-CN" });
    const { page } = console;
    console.host.verdict = { ...console.host.verdict, severity: "critical", findings: BACKLOG_FINDINGS };
    await console.tick();
    await page.waitForSelector("#verdict[data-severity=critical]");
    assert.equal(await page.getAttribute("html", "lang"), "zh-CN");
    assert.match(await page.innerText("#verdict"), /严重[^]*CPU 3 每秒丢弃 12480 个数据包/);
    assert.doesNotMatch(await page.innerText("#grid"), /Dropped|Every/);
    await page.getByRole("button", { name: "English" }).click();
    assert.match(await page.innerText("#verdict"), /Critical[^]*CPU 3 throws away/);
    await page.reload();
    await page.waitForSelector("html[lang=en]");
  });

  test("says that the agent is gone, shows nothing old as new, and takes in what it missed when it is back", async () => {
    await using console = await open();
    const { page, host } = console;
    await console.tick({ dropped: { 0: 70 } });
    await page.waitForSelector(".tile[data-number=dropped][data-level=loss]");
    await console.stopAgent();
    await page.waitForSelector("#connection[data-status=lost]");
    await page.waitForSelector("#verdict[data-severity=lost]");
    assert.match((await page.textContent("#notice")) ?? "", /^The agent does not answer since 12:00:21/);
    for (const number of ["dropped", "squeezed", "processed"]) {
      assert.equal(await page.textContent(`.tile[data-number=${number}] b`), "—");
    }
    assert.equal(await page.locator("#table tr[data-dropping]").count(), 0);
    assert.equal(await page.locator(".cell[data-now]").count(), 0);
    assert.match(await page.title(), /^Unknown/);
    assert.equal(await page.getAttribute("#icon", "href"), "/assets/icon-lost.svg");
    const icon = page.locator("#verdict img:visible");
    assert.ok(
      await icon.evaluate((image) => image.complete && image.naturalWidth > 0),
      "its icon was there before",
    );

    host.tick({ dropped: { 1: 5000 } });
    host.tick();
    await console.startAgent();
    await page.waitForSelector("#connection[data-status=live]");
    await page.waitForSelector("#verdict[data-severity=healthy]");
    await page.getByText(/^5,070 in total/).waitFor();
    assert.equal(await page.locator("#notice").isVisible(), false);
    // What a browser says of a server that is away is no fault of the page.
    console.complaints.splice(
      0,
      console.complaints.length,
      ...console.complaints.filter(
        (line) => !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING/.test(line),
      ),
    );
  });

  test("says that an agent which answers takes no samples, and why", async () => {
    await using console = await open();
    const { page, host } = console;
    await page.clock.install();
    host.status = {
      ...host.status,
      sampleProblem: {
        atMs: host.nowMs,
        message: "/proc/net/softnet_stat: expected a row for each online CPU, got an empty file",
      },
    };
    console.publish();
    await page.clock.fastForward(6000);
    await page.waitForSelector("#connection[data-status=late]");
    assert.match(
      (await page.textContent("#notice")) ?? "",
      /has taken no sample since .* got an empty file$/,
    );
    assert.equal(await page.textContent(".tile[data-number=dropped] b"), "—");

    host.status = { ...host.status, sampleProblem: undefined };
    await console.tick();
    await page.waitForSelector("#connection[data-status=live]");
    assert.equal(await page.locator("#notice").isVisible(), false);
  });

  test("shows whatever a host calls itself as text", async () => {
    const evil = `<img src=x onerror="window.broken=1"><script>window.broken=1</script>{count}"'`;
    const text = { en: evil, zh: evil };
    await using console = await open({
      prepare: (host) => {
        host.settings = {
          ...host.settings,
          hostname: evil,
          kernelRelease: evil,
          interfaces: [{ ...host.settings.interfaces[0]!, name: evil, driver: evil }],
        };
        host.verdict = {
          severity: "warning",
          sinceMs: host.nowMs,
          losesPackets: true,
          findings: [{ ...BACKLOG_FINDINGS[0]!, summary: text, evidence: { [evil]: evil, list: [evil] } }],
          cannotHelp: [{ code: "rps-for-budget", what: text, why: text }],
          elsewhere: [{ counter: "rx_missed_errors", perSecond: 1, interface: evil, means: text }],
        };
        host.status = {
          ...host.status,
          sink: { kind: "local", why: text },
          webhook: { ...WEBHOOK, where: evil, problem: { atMs: host.nowMs, message: evil } },
          state: { ...host.status.state, problem: { atMs: host.nowMs, message: evil } },
        };
        host.more.alarms = () => [
          { code: "dropped", name: text, state: "critical", sinceMs: host.nowMs, detail: text },
        ];
        host.more.drift = () => ({
          settings: [{ kind: "sysctl", target: evil, expected: evil, found: evil, mend: evil }],
          problem: undefined,
        });
        host.more.plan = () => ({
          steps: [{ kind: "sysctl", target: evil, from: evil, to: evil, times: 2, why: text, cost: null }],
          files: [{ path: evil, from: null, to: evil }],
          cannotHelp: [{ code: evil, what: text, why: text }],
          conflicts: [{ where: evil, text }],
          notes: [text],
          advice: text,
          command: evil,
          undo: evil,
        });
      },
    });
    const { page } = console;
    await console.tick();
    await page.waitForSelector("#verdict[data-severity=warning]");
    assert.equal(await page.textContent("#hostname"), evil);
    assert.ok((await page.innerText("body")).split(evil).length > 15, "it is there, as text, in every place");
    assert.equal(await page.locator("img[src=x]").count(), 0);
    assert.equal(await page.evaluate('"broken" in window'), false);
  });

  test("has a part for alarms, for a plan and for incidents only where the agent has them", async () => {
    await using console = await open();
    const { page, host } = console;
    assert.equal(await page.locator("#findings").isVisible(), false);
    assert.equal(await page.locator("#alarms").isVisible(), false);
    assert.equal(await page.getByRole("link").count(), 0);
    host.more.alarms = () => DROPPED_ALARM;
    host.more.plan = () => BACKLOG_PLAN;
    host.more.incidents = {
      list: () => [
        {
          atMs: host.nowMs,
          event: "softnet_critical",
          code: "cpu-bottleneck",
          summary: { en: "CPU 3 cannot keep up", zh: "CPU 3 处理不过来" },
          capture: "web-17.capture",
        },
      ],
      readCapture: () => "softnet-capture 1\n",
    };
    await console.tick();
    await page.waitForSelector("#findings");
    const text = (await page.innerText("#findings")).replaceAll(/\s+/g, " ");
    assert.match(text, /What would be changed .* 1000 16000 /);
    assert.match(
      (await page.innerText("#alarms")).replaceAll(/\s+/g, " "),
      /Alarms OK raised by a critical verdict within a minute Warning the kernel drops packets since 11:56:00 raised by dropped packets in 3 minutes in a row/,
    );
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "capture" }).click(),
    ]);
    assert.equal(download.suggestedFilename(), "web-17.capture");
    assert.match(await page.innerText("#incidents"), /Critical\s+CPU 3 cannot keep up/);
  });

  test("shows the plan: what, from where to where, why, at what cost, what would not help, and the command", async () => {
    await using console = await open({
      prepare: (host) => {
        host.verdict = { ...host.verdict, severity: "critical", findings: BACKLOG_FINDINGS };
      },
    });
    const { page, host } = console;
    await page.getByText("Fix it with").waitFor();
    host.more.plan = () => BACKLOG_PLAN;
    await console.tick();
    const plan = page.locator("[data-part=plan]");
    await plan.waitFor();
    const read = async (part: string) =>
      (await page.innerText(`[data-part=${part}]`)).replaceAll(/\s+/g, " ");
    assert.match(
      await read("plan"),
      /net\.core\.netdev_max_backlog 1000 16000 The largest burst was 14,210 packets\. nothing at rest; full, 24 MB by the official guide, at most 147 MB, and 180 ms of delay/,
    );
    assert.match(
      await read("plan"),
      /eth0 rps_cpus × 8 000000ff ffffffff The other CPUs stay idle\. nothing/,
    );
    assert.match(await read("plan"), /Apply it with sudo softnet remedy apply Copy/);
    assert.match(await read("plan"), /kept over a reboot by \/etc\/sysctl\.d\/99-network-tuning\.conf\./);
    assert.match(await read("plan"), /Take everything back with sudo softnet remedy undo/);
    assert.match(await read("cannotHelp"), /Raising net\.core\.netdev_budget: The passes end by time\./);
    assert.equal(await page.getByText("Fix it with").isVisible(), false, "one command is enough");

    const button = await plan.getByRole("button", { name: "Copy" }).elementHandle();
    host.verdict = { ...host.verdict, findings: BACKLOG_FINDINGS.slice(0, 1) };
    await console.tick();
    assert.equal(await button.evaluate((node) => node.isConnected), true, "what is being copied stays");

    host.more.plan = () => ({
      ...BACKLOG_PLAN,
      steps: [],
      files: [],
      advice: { en: "Take a network-enhanced instance.", zh: "请选用网络增强型实例。" },
    });
    await console.tick();
    await plan.getByText("Take a network-enhanced instance.").waitFor();
    assert.match(await read("plan"), /No setting that we would change cures this\./);
    assert.equal(await plan.getByRole("button").count(), 0);
    await page.getByRole("button", { name: "中文" }).click();
    assert.match(await read("plan"), /没有可用于解决该问题的参数改动。 请选用网络增强型实例。/);
  });

  test("says of losses in another network namespace what is needed to steer them", async () => {
    await using console = await open({
      prepare: (host) => {
        host.verdict = { ...host.verdict, severity: "critical", findings: BACKLOG_FINDINGS };
        const text = { en: "Cannot be steered from here.", zh: "无法从这里分散。" };
        const cannotHelp = [{ code: "other-namespace", what: text, why: text }] as const;
        host.more.plan = () => ({ ...BACKLOG_PLAN, steps: [], files: [], cannotHelp });
      },
    });
    const plan = console.page.locator("[data-part=plan]");
    await plan.getByText("Nothing can be steered from here without --device").waitFor();
    await console.page.getByRole("button", { name: "中文" }).click();
    await plan.getByText("不用 --device 指定接口，就无法从这里分散数据包。").waitFor();
  });

  test("tells what is no longer as a remedy set it, with the command that mends it", async () => {
    await using console = await open({ permissions: ["clipboard-read", "clipboard-write"] });
    const { page, host } = console;
    const part = page.locator("[data-part=drift]");
    host.more.drift = () => ({ settings: [], problem: undefined });
    await console.tick();
    assert.equal(await part.isVisible(), false);

    const rules = "/etc/udev/rules.d/90-softnet-remedy.rules";
    host.more.drift = () => ({
      settings: [
        BACKLOG_DRIFT,
        {
          kind: "file",
          target: rules,
          expected: "checksum 1:2",
          found: null,
          mend: "sudo softnet remedy undo --force",
        },
      ],
      problem: undefined,
    });
    await console.tick();
    await part.waitFor();
    const text = (await part.innerText()).replaceAll(/\s+/g, " ");
    assert.match(
      text,
      /netdev_max_backlog 16000 1000 sudo sysctl -w net\.core\.netdev_max_backlog=16000 Copy/,
    );
    assert.match(text, /90-softnet-remedy\.rules checksum 1:2 absent sudo softnet remedy undo --force/);
    await part.getByRole("button", { name: "Copy" }).first().click();
    await part.getByRole("button", { name: "Copied" }).waitFor();
    assert.equal(await page.evaluate("navigator.clipboard.readText()"), BACKLOG_DRIFT.mend);

    host.more.drift = () => ({
      settings: [],
      problem: "/var/lib/softnet-remedy/journal: expected a journal",
    });
    await console.tick();
    await part.getByText("/var/lib/softnet-remedy/journal: expected a journal").waitFor();
  });

  test("does not call a host healthy that was not measured yet", async () => {
    await using console = await open({ prepare: (host) => (host.isMeasuring = true) });
    const { page, host } = console;
    await page.waitForSelector("#verdict[data-severity=measuring]");
    assert.match(await page.innerText("#verdict"), /Measuring\s+A verdict needs two samples\./);
    assert.equal(await page.title(), "Measuring · web-17 · softnet");
    host.isMeasuring = false;
    await console.tick();
    await page.waitForSelector("#verdict[data-severity=healthy]");
  });

  test("tells how the webhook fares", async () => {
    await using console = await open();
    const { page, host } = console;
    assert.doesNotMatch(await page.innerText("#host"), /webhook/);
    host.status = { ...host.status, webhook: WEBHOOK };
    await console.tick();
    await page.getByText("hooks.example").waitFor();
    assert.match(
      (await page.innerText("#host")).replaceAll(/\s+/g, " "),
      /webhook hooks\.example last alarm told 3 min \d+ s ago alarms waiting 2 alarms given up 1 webhook's problem 11:59:00 HTTP 500/,
    );
  });

  test("is read at any width, by keyboard and without motion", async () => {
    await using console = await open({
      viewport: { width: 400, height: 800 },
      reducedMotion: "reduce",
      prepare: (host) => {
        host.verdict = { ...host.verdict, severity: "critical", findings: BACKLOG_FINDINGS };
      },
    });
    const { page } = console;
    await console.tick({ dropped: { 0: 5 } });
    for (const [width, height] of [
      [400, 800],
      [1280, 800],
      [3840, 2160],
    ] as const) {
      await page.setViewportSize({ width, height });
      const overflow = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth",
      );
      assert.equal(overflow, 0, `${width} wide`);
      const size = await page.evaluate<number>(
        "Number.parseFloat(getComputedStyle(document.documentElement).fontSize)",
      );
      assert.ok(size >= 10 && size <= width / 80 + 10, `${size} px at ${width}`);
    }
    assert.equal(await page.evaluate("document.getAnimations().length"), 0);

    await page.setViewportSize({ width: 1280, height: 800 });
    await page.focus("[data-column=dropped] .plot");
    await page.keyboard.press("ArrowLeft");
    await page.locator("[data-column=dropped] .tip").waitFor();
    assert.match((await page.getAttribute("[data-column=dropped] .plot", "aria-label")) ?? "", /all CPUs 5/);
    await page.focus("#grid .cell[data-cpu='0']");
    await page.keyboard.press("ArrowRight");
    assert.equal(await page.evaluate("document.activeElement.dataset.cpu"), "1");
    await page.keyboard.press("Space");
    await page.waitForSelector(".cell[data-cpu='1'][aria-pressed=true]");
  });

  test("is not served to a page whose name was made to lead here", async () => {
    await using console = await open();
    const page = await opened.browser.newPage();
    const port = new URL(console.origin).port;
    const response = await page.goto(`http://${REBOUND_NAME}:${port}/`);
    assert.equal(response?.status(), 403);
    assert.doesNotMatch(await page.content(), /web-17|main\.js/);
    await page.close();
  });
});

const CANVAS_OF_PROCESSED = 'document.querySelector("[data-column=processed] canvas")';

/** How many pixels in the upper half of the graph of drops have a colour: the grid and its labels have none. */
function burstInk(page: Page): Promise<number> {
  return page.evaluate<number>(`(() => {
    const canvas = document.querySelector("[data-column=dropped] canvas");
    // A copy of its own each time: reading the drawn one back again and again would make the browser complain.
    const copy = new OffscreenCanvas(canvas.width, canvas.height / 2).getContext("2d");
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, copy.canvas.width, copy.canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) {
      const [red, green, blue, alpha] = data.subarray(i, i + 4);
      if (alpha > 20 && Math.max(red, green, blue) > Math.min(red, green, blue) + 60) count++;
    }
    return count;
  })()`);
}
