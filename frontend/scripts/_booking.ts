// The dialog that books: for somebody who is found while typing, or new.
import { ask, element, Refused } from "./_api";
import { about, type Answered, board, get, language, type Person, refresh, say, setValue, value, wall, within, words, zone } from "./_board";
import { attempt, refuse } from "./_refusal";
import { instantOf, later, wallOf } from "./_zone";

const book = get<HTMLDialogElement>("book");
const bookRefusal = within(book, "[data-refusal]");
const typeOf = get<HTMLSelectElement>("book-type");
let person: Person | undefined;
let searching = 0;

function choose(chosen: Person | undefined, isNew = false): void {
  person = chosen;
  get("chosen").hidden = !chosen;
  get("finding").hidden = Boolean(chosen) || isNew;
  get("new-patient").hidden = !isNew;
  get<HTMLFieldSetElement>("new-patient").disabled = !isNew;
  get<HTMLInputElement>("person-name").required = isNew;
  if (chosen) {
    within(get("chosen"), "strong").textContent = chosen.name;
    within(get("chosen"), "small").textContent = known(chosen);
  }
}

const known = (each: Person): string => [each.birthDate && new Intl.DateTimeFormat(language, { timeZone: "UTC" }).format(new Date(each.birthDate)), each.phone, each.email].filter(Boolean).join(" · ");

export function newBooking(at?: string, doctorId?: string): void {
  bookRefusal.replaceChildren();
  get<HTMLFormElement>("booking").reset();
  get("people").replaceChildren();
  choose(undefined);
  const now = wallOf(new Date(), zone);
  const day = now.slice(0, 10) >= board.first && now.slice(0, 10) <= board.last ? now.slice(0, 10) : board.first;
  const start = at ?? (day === now.slice(0, 10) ? later(now, 15 - (Number(now.slice(14, 16)) % 15)) : (board.times.find((each) => !each.absence)?.start ?? `${day}T09:00`));
  setValue("book-date", start.slice(0, 10));
  setValue("book-time", start.slice(11, 16));
  const open = board.times.filter((each) => !each.absence);
  const doctor = doctorId || about.doctor || (open.find((each) => each.start <= start && start < each.end) ?? open[0])?.doctorId || board.doctors[0]?.id;
  if (doctor) setValue("book-doctor", doctor);
  offer();
  book.showModal();
  get("who").focus();
}
get("new").addEventListener("click", () => newBooking());

const length = (): void => void (get("length").hidden = typeOf.value !== "");
typeOf.addEventListener("change", length);

/** Only what the doctor does can be chosen. */
function offer(): void {
  const offered = about.offers[value("book-doctor")];
  for (const each of typeOf.options) each.hidden = each.disabled = Boolean(offered && each.value && !offered.includes(each.value));
  if (typeOf.selectedOptions[0]?.disabled ?? true) typeOf.value = [...typeOf.options].find((each) => !each.disabled)!.value;
  length();
}
get("book-doctor").addEventListener("change", offer);

/** Who fits: the clinic's patients, and by a whole address or number customers of others. */
async function people(text: string): Promise<Person[]> {
  const found = (await ask<{ items: Person[] }>("GET", `/api/clinics/${about.clinic}/patients?${new URLSearchParams({ q: text, limit: "8" })}`)).items;
  const exact = /^\S+@\S+\.\S+$/.test(text) ? "email" : /^\+?[\d\s()/.-]{6,}$/.test(text) ? "phone" : "";
  if (!about.find || !exact) return found;
  try {
    const others = (await ask<{ items: Person[] }>("GET", `/api/clinics/${about.clinic}/customers?${new URLSearchParams({ [exact]: text })}`)).items;
    return [...found, ...others.filter((each) => !found.some((same) => same.customerId === each.customerId))];
  } catch (refused) {
    if (refused instanceof Refused) return found; // not yet a whole number
    throw refused;
  }
}

async function suggest(): Promise<void> {
  const text = value("who").trim();
  const asked = ++searching;
  if (text.length < 2) return get("people").replaceChildren();
  const found = await people(text).catch((refused: unknown) => {
    if (refused instanceof Refused) refuse(refused.problem, { place: bookRefusal });
    return [];
  });
  if (asked !== searching) return;
  const choices = found.map((each) => {
    const button = element("button", { type: "button" }, element("strong", {}, each.name), element("small", {}, each.isPatient === false ? words["elsewhere"]! : known(each)));
    button.addEventListener("click", () => {
      choose(each);
      typeOf.focus();
    });
    return button;
  });
  const add = element("button", { type: "button" }, words["add"]!.replace("{name}", text));
  add.addEventListener("click", () => {
    choose(undefined, true);
    setValue("person-name", text.includes("@") || /\d/.test(text) ? "" : text);
    if (text.includes("@")) setValue("person-email", text);
    else if (/\d/.test(text)) setValue("person-phone", text);
    get("person-name").focus();
  });
  get("people").replaceChildren(...[...choices, add].map((each) => element("li", {}, each)));
}
let typing = 0;
get("who").addEventListener("input", () => {
  clearTimeout(typing);
  typing = window.setTimeout(() => void suggest(), 200);
});
get("finding").addEventListener("keydown", (event) => {
  const all = [get("who"), ...get("people").querySelectorAll("button")];
  const at = all.indexOf(document.activeElement as HTMLElement);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    all[at + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
  } else if (event.key === "Enter" && at === 0) event.preventDefault();
});
for (const id of ["another", "not-new"])
  get(id).addEventListener("click", () => {
    choose(undefined);
    get("who").focus();
  });

async function bookIt(override?: { allow: string[]; reason: string }): Promise<void> {
  const isNew = !get("new-patient").hidden;
  if (!person && !isNew) {
    refuse({ title: words["choose"]!, detail: "", status: 0 }, { place: bookRefusal });
    return get("who").focus();
  }
  const start = `${value("book-date")}T${value("book-time")}`;
  const ends = (): string => instantOf(later(start, Number(value("book-minutes"))), zone).toISOString();
  const way = {
    place: bookRefusal, allowed: override?.allow ?? [],
    alternative: (startTime: string, doctorId: string) => {
      const at = wall(startTime);
      setValue("book-date", at.slice(0, 10));
      setValue("book-time", at.slice(11, 16));
      setValue("book-doctor", doctorId); // who offers what was chosen
      void bookIt();
    },
    aside: (allow: string[], reason: string) => void bookIt({ allow, reason }),
  };
  const made = await attempt(async () => {
    if (isNew) {
      const content = { name: value("person-name").trim(), email: value("person-email").trim() || null, phone: value("person-phone").trim() || null, timeZone: zone };
      const customer = await ask<{ id: string; name: string; email: string | null; phone: string | null }>("POST", "/api/customers", content);
      choose({ ...customer, customerId: customer.id }); // whatever becomes of the booking
    }
    const what = typeOf.value ? { appointmentTypeId: typeOf.value } : { endTime: ends() };
    const wish = { customerId: person!.customerId, doctorId: value("book-doctor"), startTime: instantOf(start, zone).toISOString(), notes: value("book-notes").trim() || null, ...what };
    await ask<Answered>("POST", "/api/appointments", { ...wish, ...(override ? { override } : {}) });
  }, way);
  if (!made) return;
  book.close();
  const day = start.slice(0, 10);
  if (value("book-date") < board.first || value("book-date") > board.last) return location.assign(`/staff/${about.clinic}/${about.view}?date=${value("book-date") || day}`);
  await refresh();
  say(`${person!.name}: ${words["booked"]}`);
}
get("booking").addEventListener("submit", (event) => {
  event.preventDefault();
  void bookIt();
});
