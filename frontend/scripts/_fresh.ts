// Keeps a list up to date by loading it again when the visitor returns to its tab, for example after booking in another
// one. Without scripts, the list is as old as the page.

/** Replace the list with the current one if it has changed. */
async function refresh(list: HTMLElement): Promise<void> {
  if (document.hidden || list.contains(document.activeElement)) return;
  try {
    const response = await fetch(location.href);
    if (!response.ok || response.redirected) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const current = page.getElementById(list.id);
    if (current && current.innerHTML !== list.innerHTML) list.innerHTML = current.innerHTML;
  } catch {
    // briefly offline; the next attempt may succeed
  }
}

/** Keep a list fresh, and check it every few seconds if its `data-fresh` says how many. */
export function keepFresh(list: HTMLElement): void {
  const seconds = Number(list.dataset["fresh"]);
  if (seconds) setInterval(() => refresh(list), seconds * 1000);
  document.addEventListener("visibilitychange", () => refresh(list));
  addEventListener("focus", () => refresh(list));
}
