// The clinic profile: opening hours typed as "08:00-12:00, 14:00-18:00", one field per weekday.

const fields = [...document.querySelectorAll<HTMLInputElement>("[data-weekday]")];
const hours = document.getElementById("profile.openingHours") as HTMLInputElement;
const RANGE = /^(\d{1,2}[:.]\d{2})\s*[-–]\s*(\d{1,2}[:.]\d{2})$/;

interface OpeningTime {
  weekday: string;
  from: string;
  until: string;
}

const wallTime = (text: string): string => text.replace(".", ":").padStart(5, "0");

/** Return a field's times, or undefined if they cannot be read. */
function timesOf(field: HTMLInputElement): OpeningTime[] | undefined {
  const ranges = field.value.split(/[,;]/).map((range) => range.trim());
  const times: OpeningTime[] = [];
  for (const range of ranges.filter(Boolean)) {
    const [, from, until] = RANGE.exec(range) ?? [];
    if (from === undefined || until === undefined) return undefined;
    times.push({ weekday: field.dataset["weekday"]!, from: wallTime(from), until: wallTime(until) });
  }
  return times;
}

function read(): void {
  const all: OpeningTime[] = [];
  for (const field of fields) {
    const times = timesOf(field);
    field.setCustomValidity(times ? "" : (field.dataset["wrong"] ?? ""));
    document.getElementById(`${field.id}-fault`)!.textContent = field.validationMessage;
    all.push(...(times ?? []));
  }
  hours.value = JSON.stringify(all);
}

for (const field of fields) field.addEventListener("change", read);
read();

export {};
