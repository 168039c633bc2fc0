import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { before, describe, test } from "node:test";
import { promisify } from "node:util";

import { USER, wire } from "./setup.ts";

interface Loaded {
  readonly outcomes: readonly string[];
  readonly loadedBeforeFirstCall: number;
  readonly modules: readonly string[];
}

/** `@alicloud/credentials` of `…/node_modules/@alicloud/credentials/dist/src/client.js`. */
function packageOf(path: string): string {
  return /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? path;
}

describe("a process that pushes", () => {
  let loaded: Loaded;
  let packages: ReadonlySet<string>;

  before(async () => {
    await using it = await wire();
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(import.meta.dirname, "push-child.ts"), it.cloud.url],
      {
        env: {
          ALIBABA_CLOUD_ACCESS_KEY_ID: USER.accessKeyId,
          ALIBABA_CLOUD_ACCESS_KEY_SECRET: USER.accessKeySecret,
        },
        maxBuffer: 16 << 20,
      },
    );
    loaded = JSON.parse(stdout) as Loaded;
    packages = new Set(loaded.modules.map(packageOf));
  });

  test("does so through the SDK", () => {
    assert.deepEqual(loaded.outcomes, ["accepted", "accepted"]);
    assert.ok(packages.has("@alicloud/cms20190101") && packages.has("@alicloud/openapi-core"));
  });

  test("loads nothing of it before its first call", () => assert.equal(loaded.loadedBeforeFirstCall, 0));

  for (const name of ["@alicloud/openapi-client", "@alicloud/ecs20140526", "@alicloud/oos20190601"]) {
    test(`loads nothing of ${name}`, () => assert.ok(!packages.has(name)));
  }

  test("cannot load the generic client of an operator's calls but by making one", () => {
    const importers = (pattern: RegExp): string[] =>
      globSync(join(import.meta.dirname, "../../src/**/*.ts")).filter((path) =>
        pattern.test(readFileSync(path, "utf8")),
      );
    const named = importers(/["']@alicloud\/openapi-client["']/).map((path) => basename(path));
    assert.deepEqual(named, ["rpc-sdk.ts"]);
    assert.deepEqual(importers(/^import (?!type)[^;]*\/rpc-sdk\.ts"/m), []);
  });

  // The SDK's core loads the SDK's credentials whether anybody uses them or not: that much cannot be helped.
  test("uses nothing of the SDK's credentials, whose chain of providers does not recover", () => {
    const sources = globSync(join(import.meta.dirname, "../../src/**/*.ts"));
    assert.ok(sources.length > 0);
    for (const path of sources) {
      assert.doesNotMatch(readFileSync(path, "utf8"), /["']@alicloud\/credentials/, path);
    }
  });
});
