import { existsSync } from "node:fs";
import { registerHooks } from "node:module";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Loaded by `--import`: whoever imports a source of ours gets what was built of it, where it was built as an entry. */
const bundle = process.env["SOFTNET_TEST_BUNDLE"]!;

registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    if (!resolved.url.startsWith("file:")) return resolved;
    const source = relative("src", fileURLToPath(resolved.url));
    const built = join(bundle, source.replace(/\.ts$/, ".cjs"));
    return !source.startsWith("..") && existsSync(built)
      ? { ...resolved, url: pathToFileURL(built).href, format: "commonjs" }
      : resolved;
  },
});
