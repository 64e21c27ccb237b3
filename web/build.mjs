// Builds what the page needs from npm into static/vendor/ (not committed): two modules, minified, licences kept.
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

/**
 * @param {string} name of the module, which our modules import as `./vendor/NAME.js`
 * @param {string} contents what it exports; its types are the same
 */
async function bundle(name, contents) {
  await build({
    stdin: { contents, resolveDir: here, sourcefile: `${name}.js` },
    outfile: join(vendor, `${name}.js`),
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    legalComments: "inline",
    logLevel: "warning",
  });
  await writeFile(join(vendor, `${name}.d.ts`), contents);
  await copyFile(join(here, "node_modules", name, "LICENSE"), join(vendor, `${name}.LICENSE`));
}

await rm(vendor, { recursive: true, force: true });
await mkdir(vendor, { recursive: true });
await bundle("lit", exportsOfLit);
await bundle("uplot", 'export { default } from "uplot";\n');
await copyFile(join(here, "node_modules", "uplot", "dist", "uPlot.min.css"), join(vendor, "uplot.css"));
