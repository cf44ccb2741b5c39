// Suggests existing patients who are probably the same person as the new one whose details are being typed.
import { callApi, createElement, Refused } from "./_api";

const TYPING_DELAY = 200;
const MIN_NAME_LENGTH = 3;

export interface SimilarPerson {
  customerId: string;
  name: string;
  /** The date of birth and a contact, as the reader writes them. */
  description?: string;
}

/** Find similar patients, ignoring refusals: not every user may see them. */
async function findSimilar(path: string): Promise<SimilarPerson[]> {
  try {
    return (await callApi<{ items: SimilarPerson[] }>("GET", path)).items;
  } catch (error) {
    if (error instanceof Refused) return [];
    throw error;
  }
}

/**
 * Keep the list in `place` up to date while the user types in `form`. `place` has the path to ask as `data-similar`,
 * and is hidden while no patients are similar.
 */
export function suggestSimilar(
  form: HTMLElement,
  place: HTMLElement,
  details: () => Record<string, string>,
  choice: (found: SimilarPerson) => HTMLElement,
): void {
  let timer = 0;
  let number = 0;
  async function suggest(): Promise<void> {
    const current = ++number;
    const typed = Object.entries(details()).map(([name, value]) => [name, value.trim()] as [string, string]);
    const query = new URLSearchParams(typed.filter(([, value]) => value));
    const isLongEnough = (query.get("name") ?? "").length >= MIN_NAME_LENGTH;
    const similar = isLongEnough ? await findSimilar(`${place.dataset.similar}?${query}`) : [];
    if (current !== number) return;
    place.hidden = !similar.length;
    place.querySelector("ul")!.replaceChildren(...similar.map((found) => createElement("li", {}, choice(found))));
  }
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void suggest(), TYPING_DELAY);
  });
}

// A form with `data-similar-in` shows links to similar patients' pages in the element with this id.
for (const form of document.querySelectorAll<HTMLFormElement>("form[data-similar-in]")) {
  const place = document.getElementById(form.dataset.similarIn!)!;
  const details = (): Record<string, string> =>
    Object.fromEntries(
      ["name", "birthDate", "phone", "email"].map((name) => [
        name,
        form.querySelector<HTMLInputElement>(`[name=${name}]`)!.value,
      ]),
    );
  suggestSimilar(form, place, details, ({ customerId, name, description }) =>
    createElement(
      "a",
      { href: `${place.dataset.patients}/${customerId}` },
      createElement("strong", {}, name),
      createElement("small", {}, description ?? ""),
    ),
  );
}
