// The editor of a week: hours come, go and are copied from day to day. What it sends is `staff.ts`'s affair; here its controls get the names of their places.
const days = [...document.querySelectorAll<HTMLElement>("[data-day]")];
const rowsOf = (day: HTMLElement): HTMLElement[] => [...day.querySelectorAll<HTMLElement>("[data-row]")];

/** A time slot says the hours itself. */
function follow(row: HTMLElement): void {
  const slot = row.querySelector("select")?.selectedOptions[0];
  const [from, until] = row.querySelectorAll<HTMLInputElement>("input[type=time]");
  if (!slot || !from || !until) return;
  from.disabled = until.disabled = slot.value !== "";
  if (slot.value === "") return;
  from.value = slot.dataset["from"] ?? "";
  until.value = (slot.dataset["until"] ?? "").replace("24:00", "00:00");
}

function rename(): void {
  for (const day of days) {
    const rows = rowsOf(day);
    rows.forEach((row, number) => {
      for (const control of row.querySelectorAll<HTMLInputElement | HTMLSelectElement>("[data-name]")) {
        control.id = control.name = `weekly.${day.dataset["day"]}.${number}.${control.dataset["name"]}`;
      }
    });
    day.querySelector<HTMLElement>("[data-none]")!.hidden = rows.length > 0;
  }
}

function added(day: HTMLElement, like?: HTMLElement): HTMLElement {
  const row = (document.getElementById("row") as HTMLTemplateElement).content.firstElementChild!.cloneNode(true) as HTMLElement;
  const values = like ? [...like.querySelectorAll<HTMLInputElement | HTMLSelectElement>("[data-name]")].map((control) => control.value) : [];
  row.querySelectorAll<HTMLInputElement | HTMLSelectElement>("[data-name]").forEach((control, index) => (control.value = values[index] ?? ""));
  day.querySelector("[data-rows]")!.append(row);
  follow(row);
  return row;
}

document.addEventListener("click", (event) => {
  const button = (event.target as Element).closest<HTMLElement>("[data-add], [data-drop]");
  const day = button?.closest<HTMLElement>("[data-day]");
  if (!button || !day) return;
  if ("add" in button.dataset) {
    const row = added(day);
    rename();
    row.querySelector<HTMLElement>("select, input")?.focus();
  } else {
    button.closest("[data-row]")?.remove();
    rename();
    day.querySelector<HTMLElement>("[data-add]")?.focus();
  }
});

document.addEventListener("change", (event) => {
  const control = event.target as HTMLSelectElement;
  const row = control.closest<HTMLElement>("[data-row]");
  if (row) follow(row);
  const from = control.closest<HTMLElement>("[data-day]");
  if (!("copyTo" in control.dataset) || !from) return;
  const copied = rowsOf(from);
  for (const day of days.filter((each) => each !== from && control.value.split(" ").includes(each.dataset["day"] ?? ""))) {
    rowsOf(day).forEach((each) => each.remove());
    copied.forEach((each) => added(day, each));
  }
  control.value = "";
  rename();
});

// What the week would change is shown above it: who decides against it finds all as it was typed.
document.getElementById("week")?.addEventListener("sent", (event) => {
  const dialog = document.getElementById("change") as HTMLDialogElement;
  dialog.querySelector("div")!.innerHTML = (event as CustomEvent<{ markup: string }>).detail.markup;
  dialog.showModal();
});

document.querySelectorAll<HTMLElement>("[data-row]").forEach(follow);
