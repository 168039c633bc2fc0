import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { HOST_METRICS, pushOneMinute } from "./agent.ts";

const folder = mkdtempSync(join(tmpdir(), "softnet-modules-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Its first minute pushed, the agent has loaded what it will ever load, but for the console's requests. */
describe("the modules of an agent that pushes", () => {
  let sources: readonly string[];
  let packages: ReadonlySet<string>;

  before(async () => {
    const list = join(folder, "modules");
    const { status, stdout, stderr, names } = await pushOneMinute(
      [process.execPath, "--import=./test/package/list-modules.ts", "bin/softnet.js"],
      process.cwd(),
      { SOFTNET_STATE_DIR: join(folder, "state"), SOFTNET_TEST_MODULES: list },
    );
    assert.equal(status, 0, stdout + stderr);
    for (const name of HOST_METRICS) assert.ok(names.includes(name), name);
    const paths = readFileSync(list, "utf8")
      .split("\n")
      .filter((url) => url.startsWith("file:"))
      .map((url) => relative(process.cwd(), fileURLToPath(url)));
    sources = paths.filter((path) => path.startsWith("src/"));
    packages = new Set(paths.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []));
  });

  test("are of no verb but run", () => {
    assert.deepEqual(
      sources.filter((path) => path.startsWith("src/commands/")),
      ["src/commands/run.ts"],
    );
  });

  test("are of no operator's product", () => {
    assert.deepEqual(
      [...packages].filter((name) => name.startsWith("@alicloud/") && name !== "@alicloud/cms20190101"),
      [
        "@alicloud/openapi-core",
        "@alicloud/tea-typescript",
        "@alicloud/credentials",
        "@alicloud/gateway-spi",
      ],
    );
  });

  test("change nothing on the machine", () => {
    assert.deepEqual(
      sources.filter((path) => path.startsWith("src/remedy/")),
      [],
    );
  });
});
