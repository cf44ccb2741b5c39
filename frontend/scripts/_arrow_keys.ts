// Arrow keys in a month and in a day's times. Each of them is one Tab stop, and the arrow keys move within it.

type Way = "next" | "previous" | "below" | "above";

/** The keys and where they lead on a page that is read from left to right. */
const WAYS: Record<string, Way> = {
  ArrowRight: "next",
  ArrowLeft: "previous",
  ArrowDown: "below",
  ArrowUp: "above",
};
const MIRRORED: Record<string, string> = { ArrowRight: "ArrowLeft", ArrowLeft: "ArrowRight" };

/** Return the closest link in the row below or above a link. */
function inNextRow(links: HTMLElement[], from: HTMLElement, sign: 1 | -1): HTMLElement | undefined {
  const { top, left } = from.getBoundingClientRect();
  const others = links
    .map((link) => ({ link, box: link.getBoundingClientRect() }))
    .filter(({ box }) => (box.top - top) * sign > 1);
  const row = Math.min(...others.map(({ box }) => (box.top - top) * sign));
  const inRow = others.filter(({ box }) => Math.abs((box.top - top) * sign - row) <= 1);
  return inRow.sort((one, other) => Math.abs(one.box.left - left) - Math.abs(other.box.left - left))[0]?.link;
}

function target(links: HTMLElement[], from: HTMLElement, way: Way): HTMLElement | undefined {
  if (way === "below") return inNextRow(links, from, 1);
  if (way === "above") return inNextRow(links, from, -1);
  return links[links.indexOf(from) + (way === "next" ? 1 : -1)];
}

/** Turn links into one Tab stop, and let the arrow keys move between them. */
function rove(links: HTMLElement[]): void {
  const stopAt = (stop: HTMLElement): void => {
    for (const link of links) link.tabIndex = link === stop ? 0 : -1;
  };
  if (links.length < 2) return;
  stopAt(links.find((link) => link.hasAttribute("aria-current")) ?? links[0]!);
  for (const link of links) {
    link.addEventListener("focus", () => stopAt(link));
    link.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
      const key = (document.documentElement.dir === "rtl" && MIRRORED[event.key]) || event.key;
      const way = WAYS[key];
      const next =
        key === "Home" ? links[0] : key === "End" ? links.at(-1) : way ? target(links, link, way) : undefined;
      if (way || next) event.preventDefault();
      next?.focus();
    });
  }
}

/** Open the previous and the next month with Page Up and Page Down. */
function turnMonths(month: HTMLElement): void {
  month.addEventListener("keydown", (event) => {
    const rel = { PageUp: "prev", PageDown: "next" }[event.key];
    const link = rel && document.querySelector<HTMLAnchorElement>(`.turn a[rel="${rel}"]`);
    if (!link) return;
    event.preventDefault();
    link.click();
  });
}

/** Let links that are followed with the keyboard lead to the part of the next page where the user continues. */
function leadOn(): void {
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest<HTMLAnchorElement>("a[data-then]");
    if (link && event.detail === 0) link.hash = link.dataset.then!;
  });
}

/** Scroll the strip of days to the chosen one. */
function showChosenDay(): void {
  const day = document.querySelector(".days [aria-current]");
  const strip = day?.closest(".days");
  if (!day || !strip) return;
  const [box, frame] = [day.getBoundingClientRect(), strip.getBoundingClientRect()];
  strip.scrollLeft += box.left + box.width / 2 - (frame.left + frame.width / 2);
}

export function listenForArrows(): void {
  leadOn();
  showChosenDay();
  const month = document.querySelector<HTMLElement>(".month");
  if (!month) return;
  rove([...month.querySelectorAll<HTMLElement>("a")]);
  rove([...document.querySelectorAll<HTMLElement>(".days a")]);
  rove([...document.querySelectorAll<HTMLElement>(".calendar .times a")]);
  turnMonths(month);
}
