// Builds the pages' scripts and styles into the Python package, with names that change with their content.
import { rm } from "node:fs/promises";
import { readdirSync } from "node:fs";
import { build } from "esbuild";

const built = "../src/appoint/site/static";
const entries = (folder, ending) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(ending) && !name.startsWith("_"))
    .map((name) => `${folder}/${name}`);

await rm(built, { recursive: true, force: true });
await build({
  entryPoints: [...entries("scripts", ".ts"), ...entries("styles", ".css")],
  entryNames: "[name]-[hash]",
  outdir: built,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "safari16", "firefox115", "chrome115"],
  legalComments: "eof",
  logLevel: "warning",
});
