// Keeps a part of a page up to date by loading it again when the visitor returns to its tab, for example after booking
// in another one, and after as many seconds as its `data-fresh` says. `data-fresh-from` is the address of a page that
// contains the part; by default, it is the current page. Without scripts, the part is as old as the page.

/** Browsers count delays in milliseconds with 32 bits, and start longer ones at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Keep a part of the page fresh. Call `onChange` whenever it has been replaced. */
export function keepFresh(part: HTMLElement, onChange: () => void = () => undefined): void {
  let html = part.innerHTML;
  let timer = 0;

  async function refresh(): Promise<void> {
    if (document.hidden || part.contains(document.activeElement)) return;
    try {
      const response = await fetch(part.dataset["freshFrom"] ?? location.href);
      // a page that is gone says so in place of the part
      if ((!response.ok && ![404, 410].includes(response.status)) || response.redirected) return;
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const current = page.getElementById(part.id);
      if (!current) return;
      part.dataset["fresh"] = current.dataset["fresh"] ?? "";
      if (current.innerHTML === html) return;
      html = current.innerHTML;
      part.innerHTML = html;
      onChange();
    } catch {
      // briefly offline; the next attempt may succeed
    }
  }

  function schedule(): void {
    clearTimeout(timer);
    const delay = Number(part.dataset["fresh"]) * 1000;
    if (delay && delay <= MAX_DELAY_MS) timer = window.setTimeout(() => void refresh().then(schedule), delay);
  }

  schedule();
  document.addEventListener("visibilitychange", () => void refresh().then(schedule));
  addEventListener("focus", () => void refresh().then(schedule));
}
