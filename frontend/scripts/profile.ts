// The clinic profile: opening hours typed as "08:00-12:00, 14:00-18:00", one field per weekday, and coordinates
// typed as "52.5233, 13.3690".

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

const coordinates = document.querySelector<HTMLInputElement>("#coordinates")!;
const point = document.getElementById("profile.location") as HTMLInputElement;
const POINT = /^(-?\d{1,2}(?:\.\d+)?)°?\s*[,;\s]\s*(-?\d{1,3}(?:\.\d+)?)°?$/;

function readCoordinates(): void {
  const text = coordinates.value.trim();
  const [, latitude, longitude] = POINT.exec(text) ?? [];
  const isPoint = latitude !== undefined && Math.abs(Number(latitude)) <= 90 && Math.abs(Number(longitude)) <= 180;
  coordinates.setCustomValidity(isPoint || !text ? "" : (coordinates.dataset["wrong"] ?? ""));
  document.getElementById("coordinates-fault")!.textContent = coordinates.validationMessage;
  const value = isPoint ? { latitude: Number(latitude), longitude: Number(longitude) } : null;
  point.value = JSON.stringify(value);
}

coordinates.addEventListener("change", readCoordinates);
coordinates.addEventListener("input", () => {
  if (!coordinates.validity.valid) readCoordinates(); // before the button moves up
});
readCoordinates();

export {};
