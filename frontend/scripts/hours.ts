// The weekly hours editor: adds, removes and copies hours. `staff.ts` sends them; this script names the controls.

import { callApi, type Problem } from "./_api";
import { bodyOf } from "./_form_body";
import { clearProblem } from "./_form_problem";

type Control = HTMLInputElement | HTMLSelectElement;

const days = [...document.querySelectorAll<HTMLElement>("[data-day]")];
const rowsOf = (day: HTMLElement): HTMLElement[] => [...day.querySelectorAll<HTMLElement>("[data-row]")];
const controlsOf = (row: HTMLElement): Control[] => [...row.querySelectorAll<Control>("[data-name]")];

/** Show the hours of the selected time slot, which cannot be edited here. */
function applyTimeSlot(row: HTMLElement): void {
  const slot = row.querySelector("select")?.selectedOptions[0];
  const [from, until] = row.querySelectorAll<HTMLInputElement>("input[type=time]");
  if (!slot || !from || !until) return;
  from.disabled = until.disabled = slot.value !== "";
  if (slot.value === "") return;
  from.value = slot.dataset["from"] ?? "";
  until.value = (slot.dataset["until"] ?? "").replace("24:00", "00:00");
}

/** Name each control after the place of its value in the request. */
function nameControls(): void {
  for (const day of days) {
    const rows = rowsOf(day);
    rows.forEach((row, index) => {
      for (const control of controlsOf(row)) {
        control.name = `weekly.${day.dataset["day"]}.${index}.${control.dataset["name"]}`;
        control.id = control.name;
      }
    });
    day.querySelector<HTMLElement>("[data-none]")!.hidden = rows.length > 0;
  }
}

/** Add a row of hours to a day, empty or as a copy of another row. */
function addRow(day: HTMLElement, source?: HTMLElement): HTMLElement {
  const template = document.getElementById("row") as HTMLTemplateElement;
  const row = template.content.firstElementChild!.cloneNode(true) as HTMLElement;
  const values = source ? controlsOf(source).map((control) => control.value) : [];
  controlsOf(row).forEach((control, index) => {
    control.value = values[index] ?? "";
  });
  day.querySelector("[data-rows]")!.append(row);
  applyTimeSlot(row);
  return row;
}

function copyHours(from: HTMLElement, names: string[]): void {
  const rows = rowsOf(from);
  for (const day of days) {
    if (day === from || !names.includes(day.dataset["day"] ?? "")) continue;
    for (const row of rowsOf(day)) row.remove();
    for (const row of rows) addRow(day, row);
  }
}

document.addEventListener("click", (event) => {
  const button = (event.target as Element).closest<HTMLElement>("[data-add], [data-drop]");
  const day = button?.closest<HTMLElement>("[data-day]");
  if (!button || !day) return;
  if ("add" in button.dataset) {
    const row = addRow(day);
    nameControls();
    row.querySelector<HTMLElement>("select, input")?.focus();
  } else {
    button.closest("[data-row]")?.remove();
    nameControls();
    day.querySelector<HTMLElement>("[data-add]")?.focus();
  }
});

document.addEventListener("change", (event) => {
  const control = event.target as HTMLSelectElement;
  const row = control.closest<HTMLElement>("[data-row]");
  if (row) applyTimeSlot(row);
  const day = control.closest<HTMLElement>("[data-day]");
  if (!("copyTo" in control.dataset) || !day) return;
  copyHours(day, control.value.split(" "));
  control.value = "";
  nameControls();
});

// If hours are refused because they would leave appointments outside, the user decides what to do about these. For a
// week, this happens in a dialog that lists them, so that users who go back keep their input.
document.addEventListener("refused", (event) => {
  const form = event.target as HTMLFormElement;
  if ((event as CustomEvent<Problem>).detail.reason !== "appointments-stranded") return;
  for (const button of form.querySelectorAll<HTMLElement>("[data-if-stranded]")) button.hidden = false;
  if (form.dataset["affected"]) void showAffected(form, form.dataset["affected"]);
});

async function showAffected(form: HTMLFormElement, path: string): Promise<void> {
  const headers = { "If-Match": form.dataset["match"] ?? "" };
  const { markup } = await callApi<{ markup: string }>("POST", path, bodyOf(form), headers);
  clearProblem(form);
  const dialog = document.getElementById("change") as HTMLDialogElement;
  dialog.querySelector("div")!.innerHTML = markup;
  dialog.showModal();
}

for (const row of document.querySelectorAll<HTMLElement>("[data-row]")) applyTimeSlot(row);
