/** `npm run build`: dist/ from src/, for where Node does not strip types: below node_modules, and in packages. */
import { buildDist } from "./bundle.ts";

await buildDist("dist");
