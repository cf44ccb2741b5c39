// One-click steps on the card under the mouse. There are also keyboard shortcuts for them, and buttons in the panel, so
// screen readers do not need these.
import { createElement } from "./_api";
import { takeStepQuickly } from "./_appointment";
import { findAppointment, get, onRefresh, within } from "./_board";
import { canTake, STEPS } from "./_steps";

const ICONS: Record<string, string> = {
  confirm: "hold",
  arrive: "arrived",
  checkIn: "checked-in",
  enterRoom: "in-room",
  fulfil: "done",
  noShow: "noshow",
};
const bar = get("card-actions");
let shownFor = "";

function show(card: HTMLElement): void {
  const id = card.dataset.appointment!;
  const appointment = findAppointment(id);
  const steps = appointment ? Object.keys(STEPS).filter((step) => canTake(appointment, step)) : [];
  if (!steps.length) {
    hide();
    return;
  }
  shownFor = id;
  bar.replaceChildren(...steps.map(stepButton));
  bar.hidden = false;
  const box = card.getBoundingClientRect();
  const isRightToLeft = document.documentElement.dir === "rtl";
  bar.style.insetBlockStart = `${box.top + Math.min(2, (box.height - bar.offsetHeight) / 2)}px`;
  bar.style.insetInlineStart = `${
    isRightToLeft ? innerWidth - box.left - bar.offsetWidth : box.right - bar.offsetWidth - 3
  }px`;
}

function stepButton(step: string): HTMLElement {
  const panelButton = within(get("appointment"), `[data-step="${step}"]`);
  const title = `${panelButton.textContent?.trim()} (${STEPS[step]?.toUpperCase()})`;
  const icon = createElement("span", { class: `icon i-${ICONS[step]}` });
  const button = createElement("button", { type: "button", tabindex: "-1", title }, icon);
  button.addEventListener("click", () => {
    hide();
    void takeStepQuickly(shownFor, step);
  });
  return button;
}

function hide(): void {
  bar.hidden = true;
}

document.addEventListener("pointerover", (event) => {
  const element = event.target as Element;
  if (event.pointerType !== "mouse" || event.buttons || bar.contains(element)) return;
  const card = element.closest<HTMLElement>("#board .appointment[data-appointment]");
  if (!card) hide();
  else if (bar.hidden || card.dataset.appointment !== shownFor) show(card);
});
/** After a step, offer the steps that are now possible. */
onRefresh.push(() => {
  const card = bar.hidden ? null : document.querySelector<HTMLElement>(`#board [data-appointment="${shownFor}"]`);
  if (card) show(card);
});
for (const type of ["pointerdown", "scroll", "keydown"])
  document.addEventListener(type, (event) => bar.contains(event.target as Node) || hide(), { capture: true });
