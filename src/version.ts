import packageJson from "../package.json" with { type: "json" };

/** The version that `package.json` states. */
export const version: string = packageJson.version;
