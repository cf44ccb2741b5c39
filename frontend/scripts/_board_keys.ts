// The board's keyboard shortcuts and date field. Without a mouse, the arrow keys select appointments.
import { openAppointment, openForm, takeStepQuickly } from "./_appointment";
import { config, get } from "./_board";
import { newBooking } from "./_booking";
import { handleMovingKey, startMoving } from "./_moving";
import { closePanel } from "./_panel";
import { STEPS } from "./_steps";
import { undoLast } from "./_toast";

// A date is complete when the user leaves the field or presses Enter. While they are typing, every digit changes it.
const go = get<HTMLFormElement>("go");
const date = get<HTMLInputElement>("date");
let isTyping = false;
date.addEventListener("keydown", (event) => {
  isTyping = true;
  if (event.key === "Enter" && date.value !== date.defaultValue) go.requestSubmit();
});
date.addEventListener("pointerdown", () => (isTyping = false));
date.addEventListener("change", () => isTyping || go.requestSubmit());
date.addEventListener("blur", () => isTyping && date.value !== date.defaultValue && go.requestSubmit());
document.getElementById("doctor")?.addEventListener("change", () => go.requestSubmit());

const enabled = get<HTMLInputElement>("keys");
enabled.checked = localStorage.getItem("keys") !== "off";
enabled.addEventListener("change", () => localStorage.setItem("keys", enabled.checked ? "on" : "off"));

const open = (view: string): void => {
  if (view !== config.view) location.assign(`/staff/${config.clinic}/${view}?date=${date.defaultValue}`);
};

const stepOfKey = new Map(Object.entries(STEPS).map(([step, key]) => [key, step]));

/** Listen for keyboard shortcuts. `toggleView` switches between board and list. */
export function listenForKeys(toggleView: () => void): void {
  const actions: Record<string, () => void> = {
    t: () => get("today").click(),
    d: () => open("day"),
    w: () => open("week"),
    n: () => newBooking(),
    u: () => void undoLast(),
    l: toggleView,
    "/": () => get("q").focus(),
    "?": () => get<HTMLDialogElement>("help").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog:modal")) return;
    const { key, shiftKey } = event;
    const target = event.target as Element;
    if (handleMovingKey(key)) return event.preventDefault();
    if (key === "Escape") return closeOrLeave(event);
    if (!enabled.checked || isInField(target)) return;
    const turn = shiftKey ? turnOf(key) : undefined;
    const selected = target.closest<HTMLElement>("[data-appointment]")?.dataset.appointment;
    if (turn) get(turn).click();
    else if (!shiftKey && key.startsWith("Arrow")) {
      if (!isOutsideCards(target) && selectNext(key)) event.preventDefault();
      return;
    } else if (selected && handleCardKey(key, selected)) {
      // handled
    } else if (actions[key]) actions[key]();
    else return;
    event.preventDefault();
  });
}

/** Close the panel, or leave a field, and keep what the user typed. */
function closeOrLeave(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if (closePanel()) event.preventDefault();
  else if (target.id === "q") target.blur();
}

/** Handle a key for the selected appointment. Returns false if the key is not a shortcut. */
function handleCardKey(key: string, id: string): boolean {
  const step = stepOfKey.get(key);
  if (step) void takeStepQuickly(id, step);
  else if (key === "m") startMoving(id);
  else if (key === "e") openAppointment(id);
  else if (key === "Delete") openForm(id, "cancelling");
  else return false;
  return true;
}

/** Whether the user is typing. A field in a panel that has just closed keeps the focus until the next frame. */
const isInField = (element: Element): boolean =>
  element.matches("input, select, textarea") && element.getClientRects().length > 0;

/** Whether an element is in a part of the page that uses the arrow keys itself. */
const isOutsideCards = (element: Element): boolean => element.closest("dialog, .toolbar, .scroll:focus") !== null;

/** Select the next appointment in the direction of an arrow key: the nearest one, as the user sees it. */
function selectNext(key: string): boolean {
  const cards = [...document.querySelectorAll<HTMLElement>("[data-appointment]")].filter(
    (card) => card.getClientRects().length > 0,
  );
  const current = document.activeElement?.closest<HTMLElement>("[data-appointment]");
  const next = current ? nearest(current, cards, key) : firstFromNow(cards);
  next?.focus();
  next?.scrollIntoView({ block: "nearest", inline: "nearest" });
  return next !== undefined;
}

function nearest(current: HTMLElement, cards: HTMLElement[], key: string): HTMLElement | undefined {
  const from = current.getBoundingClientRect();
  const isVertical = key === "ArrowUp" || key === "ArrowDown";
  const sign = key === "ArrowDown" || key === "ArrowRight" ? 1 : -1;
  let best: HTMLElement | undefined;
  let shortest = Number.POSITIVE_INFINITY;
  for (const card of cards) {
    const box = card.getBoundingClientRect();
    const [along, across] = isVertical
      ? [box.top - from.top, Math.abs(box.left - from.left)]
      : [box.left - from.left, Math.abs(box.top - from.top)];
    if (card === current || sign * along < 1) continue;
    const distance = Math.abs(along) + across * 8; // staying in the same column or row comes first
    if (distance < shortest) [best, shortest] = [card, distance];
  }
  return best;
}

/** The first appointment below the line that marks the current time, or otherwise the very first one. */
function firstFromNow(cards: HTMLElement[]): HTMLElement | undefined {
  const line = document.querySelector(".ec-now-indicator")?.getBoundingClientRect().top ?? Number.NEGATIVE_INFINITY;
  return cards.find((card) => card.getBoundingClientRect().bottom > line) ?? cards[0];
}

/** The button for the previous or next day, in the direction of an arrow key. */
function turnOf(key: string): string | undefined {
  const isRightToLeft = document.documentElement.dir === "rtl";
  if (key === "ArrowLeft") return isRightToLeft ? "after" : "before";
  if (key === "ArrowRight") return isRightToLeft ? "before" : "after";
  return undefined;
}
