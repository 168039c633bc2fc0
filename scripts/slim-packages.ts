import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { parse } from "acorn";
import type { Plugin } from "esbuild";

/** A module that a package asks for and that our use of the package never runs. What is reached all the same throws. */
interface LeftOut {
  readonly module: string;
  readonly because: string;
  readonly instead?: string;
}

/**
 * The SDK loads 644 modules for any call, and takes 45 MB. These stand on paths that our calls do not take; the tests of test/wire run on the
 * built bundle too and hold that against every answer and failure we know of.
 */
const SDK: readonly LeftOut[] = [
  {
    module: "moment",
    because: "only Date of @darabonba/typescript needs it, and we hand over epoch milliseconds",
  },
  {
    module: "lodash",
    because: "only merge() of @darabonba/typescript needs it, and the client never calls that",
  },
  {
    module: "xml2js",
    because: "we ask for JSON; an answer in XML is as unreadable to us as the HTML of a gateway",
  },
  {
    module: "./websocket",
    because: "no call of ours streams; ws and the proxy agents go with it",
    instead: "",
  },
  { module: "./websocketUtils", because: "no call of ours streams", instead: "" },
  { module: "@alicloud/gateway-spi", because: "only execute() needs it, and our calls take callApi()" },
  {
    module: "@alicloud/credentials",
    because:
      "src/cloud/credentials.ts provides them; the SDK's own classes are only named as the type of a field",
    instead: "exports.default = exports.Config = class { constructor() { leftOut(); } };",
  },
  {
    module: "debug",
    because: "a variable of the environment would make it print requests with their keys",
    instead: "module.exports = () => Object.assign(() => {}, { enabled: false });",
  },
];

const TO_STDERR = "our logs go to stderr from this thread; thread-stream goes with it";
const PINO: readonly LeftOut[] = [
  { module: "./transport", because: TO_STDERR },
  { module: "./lib/transport", because: TO_STDERR },
];

const NODE_CRON: readonly LeftOut[] = [
  { module: "child_process", because: "only tasks in the background fork, and ours is a function" },
];

const LEFT_OUT_OF: readonly { readonly importer: RegExp; readonly modules: readonly LeftOut[] }[] = [
  { importer: /\/node_modules\/(@alicloud|@darabonba|httpx)\//, modules: SDK },
  { importer: /\/node_modules\/pino\//, modules: PINO },
  { importer: /\/node_modules\/node-cron\//, modules: NODE_CRON },
];

/** Takes from packages what these sources use of them. @param sources every text that may call a client of the SDK. */
export function slimPackages(sources: readonly string[]): Plugin {
  const words = new Set(sources.flatMap((source) => source.match(/\b[A-Za-z]\w*\b/g) ?? []));
  return {
    name: "slim-packages",
    setup(build) {
      build.onResolve({ filter: /^[^/]/ }, ({ path, importer }) => {
        const { modules = [] } = LEFT_OUT_OF.find((entry) => entry.importer.test(importer)) ?? {};
        const entry = modules.find(({ module }) => module === path);
        return entry && { path, namespace: "left-out", pluginData: entry };
      });
      build.onLoad({ filter: /.*/, namespace: "left-out" }, ({ pluginData }) => ({
        contents: leftOut(pluginData as LeftOut),
      }));
      // A product's package: its client has a method for each call, its barrel a model for each part of one.
      build.onLoad({ filter: /@alicloud\/\w+\d{8}\/dist\/client\.js$/ }, ({ path }) => ({
        contents: clientWith(words, readFileSync(path, "utf8"), path),
      }));
      build.onLoad({ filter: /@alicloud\/\w+\d{8}\/dist\/models\/model\.js$/ }, ({ path }) => {
        const client = path.replace(/models\/model\.js$/, "client.js");
        const used = clientWith(words, readFileSync(client, "utf8"), client).matchAll(/\$_model\.(\w+)/g);
        return { contents: barrelOf(new Set([...words, ...[...used].map(([, name]) => name!)]), path) };
      });
      build.onLoad({ filter: /\/node-cron\/dist\/\w+\.js$/ }, ({ path }) => ({
        contents: `import { Intl } from ${JSON.stringify(resolve("scripts/local-intl.ts"))};\n${readFileSync(path, "utf8")}`,
      }));
    },
  };
}

function leftOut({ module, instead }: LeftOut): string {
  const message = JSON.stringify(`${module} is left out of this build`);
  return [
    `function leftOut() { throw new SyntaxError(${message}); }`,
    'Object.defineProperty(exports, "__esModule", { value: true });',
    // Importing it must do no harm: the helpers of a compiled package ask a module what it is.
    instead ??
      'const get = (_, key) => (key === "__esModule" ? false : leftOut());\n' +
        "module.exports = new Proxy(leftOut, { get, construct: leftOut });",
  ].join("\n");
}

/** The client's source with those of its calls only that are among the words, and what these call in turn. */
function clientWith(words: ReadonlySet<string>, source: string, path: string): string {
  const calls = callsOf(source, path);
  const kept = new Set([...calls.keys()].filter((name) => words.has(name)));
  // A set that grows while it is walked through is walked through to its end.
  for (const name of kept) {
    for (const [, other] of textOf(source, calls.get(name)!).matchAll(/\bthis\.(\w+)\(/g)) {
      if (calls.has(other!)) kept.add(other!);
    }
  }
  let slim = source;
  for (const [name, call] of [...calls].toReversed()) {
    if (!kept.has(name)) slim = slim.slice(0, call.start) + slim.slice(call.end);
  }
  return slim;
}

/** The asynchronous methods of the class `Client`, in their order: each is a call of the product. */
function callsOf(source: string, path: string): Map<string, Span> {
  const client = parse(source, { ecmaVersion: "latest", sourceType: "script" }).body.find(
    (node) => node.type === "ClassDeclaration" && node.id.name === "Client",
  );
  const calls = new Map<string, Span>();
  for (const member of client?.type === "ClassDeclaration" ? client.body.body : []) {
    if (member.type !== "MethodDefinition" || !member.value.async) continue;
    calls.set(textOf(source, member.key), member);
  }
  if (calls.size === 0)
    throw new Error(`${path}: expected a class Client with calls: the SDK is built otherwise now`);
  return calls;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

function textOf(source: string, { start, end }: Span): string {
  return source.slice(start, end);
}

/** A barrel of these models only. */
function barrelOf(names: ReadonlySet<string>, path: string): string {
  const source = readFileSync(path, "utf8");
  const fileOf = new Map(
    [...source.matchAll(/^var (\w+) = require\("(\.\/\w+)"\);$/gm)].map(([, as, file]) => [as, file]),
  );
  const models = [
    ...source.matchAll(/^Object\.defineProperty\(exports, "(\w+)", .* return (\w+)\.\1; \} \}\);$/gm),
  ];
  if (models.length === 0)
    throw new Error(`${path}: expected exports of models: the SDK is built otherwise now`);
  return models
    .filter(([, name]) => names.has(name!))
    .map(([, name, as]) => `exports.${name} = require("${fileOf.get(as)}").${name};`)
    .join("\n");
}
