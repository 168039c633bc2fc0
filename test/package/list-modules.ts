import { writeFileSync } from "node:fs";
import { registerHooks } from "node:module";

/** Loaded by `--import`: writes the URL of each module that the process loaded, when it ends. */
const loaded: string[] = [];

registerHooks({
  load(url, context, nextLoad) {
    loaded.push(url);
    return nextLoad(url, context);
  },
});

process.on("exit", () => writeFileSync(process.env["SOFTNET_TEST_MODULES"]!, loaded.join("\n")));
