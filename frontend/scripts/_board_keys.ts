// The board's date field and keyboard shortcuts.
import { get } from "./_board";
import { newBooking } from "./_booking";

// A date is complete when the user leaves the field or presses Enter. While they type, each digit changes it.
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

/** Listen for keyboard shortcuts. `toggleView` switches between board and list. */
export function listenForKeys(toggleView: () => void): void {
  const actions: Record<string, () => void> = {
    t: () => get("today").click(),
    n: () => newBooking(),
    l: toggleView,
    "/": () => get("q").focus(),
    "?": () => get<HTMLDialogElement>("help").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (!enabled.checked || event.ctrlKey || event.altKey || event.metaKey) return;
    if (isInField(event.target as Element) || document.querySelector("dialog[open]")) return;
    const turn = event.shiftKey ? turnOf(event.key) : undefined;
    if (turn) get(turn).click();
    else if (actions[event.key]) actions[event.key]!();
    else return;
    event.preventDefault();
  });
}

/** Whether the user is typing. A field in a dialog that has just closed keeps the focus until the next frame. */
const isInField = (element: Element): boolean =>
  element.matches("input, select, textarea") && element.getClientRects().length > 0;

/** The button for the previous or next day, in the direction of an arrow key. */
function turnOf(key: string): string | undefined {
  const isRightToLeft = document.documentElement.dir === "rtl";
  if (key === "ArrowLeft") return isRightToLeft ? "after" : "before";
  if (key === "ArrowRight") return isRightToLeft ? "before" : "after";
  return undefined;
}
