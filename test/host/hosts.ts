import type { Host } from "../../src/host/host.ts";

/** A host made of texts by path, as a capture is; what is not named does not exist. */
export function hostOf(files: Readonly<Record<string, string>>): Host {
  return {
    read: (path) => (files[path] === undefined ? undefined : new TextEncoder().encode(files[path])),
    list: (dir) => {
      const below = Object.keys(files).filter((path) => path.startsWith(`${dir}/`));
      return [...new Set(below.map((path) => path.slice(dir.length + 1).split("/", 1)[0]!))]
        .filter((name) => name !== "..")
        .sort();
    },
  };
}
