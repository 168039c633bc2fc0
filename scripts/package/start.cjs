"use strict";
// The main script of the single executable. It holds the files of dist/ as assets, and this loads them as require() would from a folder.

const { getRawAsset } = require("node:sea");
const { compileFunction } = require("node:vm");

const PARAMETERS = ["exports", "require", "module", "__filename"];
const modules = new Map();

// Node would be seen as MainThread.
process.title = ["softnet", ...process.argv.slice(2)].join(" ");
load("main.cjs");

function load(name) {
  let module = modules.get(name);
  if (!module) {
    module = { exports: {} };
    modules.set(name, module);
    // The build writes ASCII, and decoding anything else would load what Intl has.
    const source = Buffer.from(getRawAsset(name)).latin1Slice();
    const filename = `${process.execPath}/${name}`;
    compileFunction(source, PARAMETERS, { filename })(module.exports, requireInside, module, filename);
  }
  return module.exports;
}

function requireInside(id) {
  return id.startsWith("./") ? load(id.slice(2)) : require(id);
}
