// The weekly hours editor: adds, removes and copies hours. `staff.ts` sends them; this script names the controls.

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

/** Name each control after its value's place in the request. */
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

// The preview opens in a dialog above the week, so that a user who decides against it keeps their input.
document.getElementById("week")?.addEventListener("sent", (event) => {
  const dialog = document.getElementById("change") as HTMLDialogElement;
  dialog.querySelector("div")!.innerHTML = (event as CustomEvent<{ markup: string }>).detail.markup;
  dialog.showModal();
});

for (const row of document.querySelectorAll<HTMLElement>("[data-row]")) applyTimeSlot(row);

export {};
