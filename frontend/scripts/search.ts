// Suggestions while someone types in the clinic search, as in the ARIA pattern for a combobox with a list box. Without
// this script, the search is a plain form.

const DELAY = 200;
const MIN_LETTERS = 2;
const PAUSE = 60_000;
const announcement = document.getElementById("suggestions-status")!;
/** Until when not to ask, because there were too many requests. */
let paused = 0;

function suggestFor(input: HTMLInputElement): void {
  const place = document.createElement("div");
  const answers = new Map<string, string>();
  let timer = 0;
  let request = new AbortController();
  let chosen: HTMLElement | undefined;
  input.after(place);
  for (const [name, value] of [
    ["role", "combobox"],
    ["autocomplete", "off"],
    ["aria-autocomplete", "list"],
    ["aria-expanded", "false"],
    ["aria-controls", `${input.id}-suggestions`],
  ] as const) {
    input.setAttribute(name, value);
  }

  const options = (): HTMLElement[] => [...place.querySelectorAll<HTMLElement>("[role=option]")];

  function close(): void {
    clearTimeout(timer);
    request.abort();
    chosen = undefined;
    place.replaceChildren();
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    announcement.textContent = "";
  }

  function open(list: string): void {
    close();
    if (!list) return;
    place.innerHTML = list;
    input.setAttribute("aria-expanded", "true");
    announcement.textContent = place.querySelector<HTMLElement>("[role=listbox]")!.dataset["status"]!;
  }

  function choose(option: HTMLElement | undefined): void {
    chosen?.setAttribute("aria-selected", "false");
    chosen = option;
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  }

  /** Open the option's page, or search with what it fills in. */
  function take(option: HTMLElement): void {
    const { page, field, value } = option.dataset;
    if (page) {
      location.assign(page);
      return;
    }
    if (field !== input.name) input.value = "";
    document.querySelector<HTMLInputElement>(`#${field}`)!.value = value!;
    close();
    input.form!.requestSubmit();
  }

  async function ask(): Promise<void> {
    const text = input.value.trim();
    if (text.length < MIN_LETTERS || Date.now() < paused) return close();
    if (!answers.has(text)) {
      request = new AbortController();
      try {
        const query = new URLSearchParams({ [input.name]: text });
        const response = await fetch(`/suggestions?${query}`, { signal: request.signal });
        if (response.status === 429) paused = Date.now() + PAUSE;
        answers.set(text, response.ok ? (await response.text()).trim() : "");
      } catch {
        return; // offline, or the text has changed
      }
    }
    if (document.activeElement === input && input.value.trim() === text) open(answers.get(text)!);
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    request.abort();
    timer = window.setTimeout(ask, DELAY);
  });
  input.addEventListener("keydown", (event) => {
    const all = options();
    if (event.isComposing || all.length === 0) return;
    const index = chosen ? all.indexOf(chosen) : -1;
    if (event.key === "ArrowDown") choose(all[index + 1] ?? all[0]);
    else if (event.key === "ArrowUp") choose(all[index < 0 ? all.length - 1 : index - 1] ?? all.at(-1));
    else if (event.key === "Enter" && chosen) take(chosen);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
  input.addEventListener("blur", close);
  // keep the focus in the field, so that a press on an option does not close the list first
  place.addEventListener("pointerdown", (event) => event.preventDefault());
  place.addEventListener("click", (event) => {
    const option = (event.target as Element).closest<HTMLElement>("[role=option]");
    if (option) take(option);
  });
}

for (const input of document.querySelectorAll<HTMLInputElement>("[data-suggests]")) suggestFor(input);

export {};
