// The forms for a new clinic. Suggests an address for the booking page, based on the clinic's name, and the browser's
// own time zone. On the first page of a new installation, the server does the same for browsers without scripts.

const LETTERS: Record<string, string> = {
  ä: "ae",
  ö: "oe",
  ü: "ue",
  ß: "ss",
  æ: "ae",
  ø: "o",
  ł: "l",
  ı: "i",
  "’": "",
  "'": "",
};
const MAX_LENGTH = 40;

function suggestSlug(name: string): string {
  const plain = name.toLowerCase().replace(/[äöüßæøłı’']/g, (letter) => LETTERS[letter] ?? "");
  const words =
    plain
      .normalize("NFKD")
      .replace(/[^\p{ASCII}]/gu, "")
      .match(/[a-z0-9]+/g) ?? [];
  let slug = "";
  for (const word of words) {
    if (slug.length + word.length >= MAX_LENGTH) break;
    slug = slug ? `${slug}-${word}` : word;
  }
  return /^\d+$/.test(slug) ? "" : slug;
}

const form = document.querySelector<HTMLFormElement>("form[data-setup]");
const name = form?.querySelector<HTMLInputElement>("[name=name]");
const slug = form?.querySelector<HTMLInputElement>("[name=slug]");
const zone = form?.querySelector<HTMLSelectElement>("[name=timeZone]");

if (name && slug) {
  let suggested = slug.value === "" || slug.value === suggestSlug(name.value);
  name.addEventListener("input", () => {
    if (suggested) slug.value = suggestSlug(name.value);
  });
  slug.addEventListener("input", () => {
    suggested = slug.value === "";
  });
}
if (zone && !form?.querySelector("[aria-invalid]")) {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...zone.options].some((option) => option.value === own)) zone.value = own;
}

export {};
