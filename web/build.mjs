// Builds what the page needs from npm into static/vendor/ (not committed): one module, minified, licences kept.
import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const vendor = join(here, "static", "vendor");

/** What our modules may import from `./vendor/lit.js`. */
const exportsOfLit = [
  'export * from "lit";',
  'export { classMap } from "lit/directives/class-map.js";',
  'export { live } from "lit/directives/live.js";',
  'export { repeat } from "lit/directives/repeat.js";',
  "",
].join("\n");

await rm(vendor, { recursive: true, force: true });
await mkdir(vendor, { recursive: true });
await build({
  stdin: { contents: exportsOfLit, resolveDir: here, sourcefile: "lit.js" },
  outfile: join(vendor, "lit.js"),
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "inline",
  logLevel: "warning",
});
await writeFile(join(vendor, "lit.d.ts"), exportsOfLit);
await copyFile(join(here, "node_modules", "lit", "LICENSE"), join(vendor, "lit.LICENSE"));
