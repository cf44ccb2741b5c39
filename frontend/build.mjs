// Builds the pages' scripts and styles into the Python package, with names that change with their content.
import { rm } from "node:fs/promises";
import { readdirSync } from "node:fs";
import { icons } from "@iconify-json/lucide";
import { build } from "esbuild";

const built = "../src/appoint/site/static";
const entries = (folder, ending) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(ending) && !name.startsWith("_"))
    .map((name) => `${folder}/${name}`);

/** Inlines an icon: `url("lucide:phone")` in a style sheet. */
const lucide = {
  name: "lucide",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^lucide:/ }, ({ path }) => ({
      path: `${path.slice("lucide:".length)}.svg`, // the ending decides the inlined image's media type
      namespace: "lucide",
    }));
    onLoad({ filter: /./, namespace: "lucide" }, ({ path }) => {
      const name = path.replace(".svg", "");
      const { body } = icons.icons[icons.aliases?.[name]?.parent ?? name];
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">${body}</svg>`;
      return { contents: svg, loader: "dataurl" };
    });
  },
};

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
  plugins: [lucide],
});
