// Builds the pages' scripts and styles into the Python package, with names that change with their content, and the
// fonts for PDF documents.
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { readdirSync } from "node:fs";
import { icons } from "@iconify-json/lucide";
import { build } from "esbuild";
import subsetFont from "subset-font";

const built = "../src/appoint/site/static";
const documentFonts = "../src/appoint/payments/documents/fonts";
const inter = "node_modules/@fontsource-variable/inter";
const dejavu = "node_modules/dejavu-fonts-ttf";
const entries = (folder, ending) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(ending) && !name.startsWith("_"))
    .map((name) => `${folder}/${name}`);

/** Inlines an icon: `url("lucide:phone")` in a style sheet, or `url("lucide:phone/7d858c")` for one with a colour. */
const lucide = {
  name: "lucide",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^lucide:/ }, ({ path }) => ({
      path: `${path.slice("lucide:".length)}.svg`, // the extension determines the inlined image's media type
      namespace: "lucide",
    }));
    onLoad({ filter: /./, namespace: "lucide" }, ({ path }) => {
      const [name, colour] = path.replace(".svg", "").split("/");
      const { body } = icons.icons[icons.aliases?.[name]?.parent ?? name];
      const attributes = colour ? ` color="#${colour}"` : "";
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"${attributes}>${body}</svg>`;
      return { contents: svg, loader: "dataurl" };
    });
  },
};

const span = (first, last) =>
  Array.from({ length: last - first + 1 }, (_, index) => String.fromCodePoint(first + index)).join("");
// the characters that pages in our languages need, and those that names in other Latin-script languages also need
const letters = {
  "inter-latin": `${span(0x20, 0x7e)}${span(0xa0, 0xff)}ıŒœ–—‘’‚“”„†•…‰‹›€™−←↑→↓\u2009\u2011\u202f`,
  "inter-latin-ext": `${span(0x100, 0x130)}${span(0x132, 0x151)}${span(0x154, 0x17f)}ȘșȚțẞ`,
};

/** Adds the part of Inter that pages need: `url("font:inter-latin")` in a style sheet. */
const fonts = {
  name: "fonts",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^font:/ }, ({ path }) => ({ path: `${path.slice("font:".length)}.woff2`, namespace: "font" }));
    onLoad({ filter: /./, namespace: "font" }, async ({ path }) => {
      const name = path.replace(".woff2", "");
      const whole = await readFile(`${inter}/files/${name}-wght-normal.woff2`);
      const variationAxes = { wght: { min: 400, max: 700 } };
      return {
        contents: await subsetFont(whole, letters[name], { targetFormat: "woff2", variationAxes }),
        loader: "file",
      };
    });
  },
};

await rm(built, { recursive: true, force: true });
await build({
  entryPoints: [...entries("scripts", ".ts"), ...entries("styles", ".css")],
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  publicPath: "/assets",
  outdir: built,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "safari16", "firefox115", "chrome115"],
  legalComments: "eof",
  logLevel: "warning",
  plugins: [lucide, fonts],
});
await copyFile(`${inter}/LICENSE`, `${built}/inter-license.txt`);

await rm(documentFonts, { recursive: true, force: true });
await mkdir(documentFonts, { recursive: true });
for (const name of Object.keys(letters)) {
  const whole = await readFile(`${inter}/files/${name}-wght-normal.woff2`);
  for (const wght of [400, 650]) {
    const font = await subsetFont(whole, letters[name], { targetFormat: "truetype", variationAxes: { wght } });
    await writeFile(`${documentFonts}/${name}-${wght}.ttf`, font);
  }
}
for (const name of ["DejaVuSans", "DejaVuSans-Bold"]) {
  await copyFile(`${dejavu}/ttf/${name}.ttf`, `${documentFonts}/${name}.ttf`);
}
await copyFile(`${inter}/LICENSE`, `${documentFonts}/inter-license.txt`);
await copyFile(`${dejavu}/LICENSE`, `${documentFonts}/dejavu-license.txt`);
