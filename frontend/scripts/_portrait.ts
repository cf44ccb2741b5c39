// Portraits and, for people without one, initials in their own colour, as in `site/portraits.py`.
import { createElement } from "./_api";

const HUES = 12;

/** The initials of a person's first and last name, without titles such as “Dr.”. */
export function initialsOf(name: string): string {
  const words = name.split(/\s+/).filter((word) => /^\p{L}/u.test(word));
  const untitled = words.filter((word) => !word.endsWith("."));
  const names = untitled.length ? untitled : words;
  return [names[0], names.length > 1 ? names.at(-1) : ""].map((word) => [...(word ?? "")][0] ?? "").join("");
}

/** A person's colour. */
export function hueOf(name: string): number {
  return [...name].reduce((sum, letter) => sum + letter.codePointAt(0)!, 0) % HUES;
}

/** A doctor's portrait, or else their initials. */
export function portrait(name: string, picture: string | null): HTMLElement {
  if (picture) return createElement("img", { class: "portrait", src: picture, alt: "" });
  return createElement("span", { class: `portrait hue-${hueOf(name)}`, "aria-hidden": "true" }, initialsOf(name));
}
