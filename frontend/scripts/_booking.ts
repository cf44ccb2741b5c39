// The booking dialog, for an existing patient (suggested while typing) or a new one.
import { ask, element, Refused } from "./_api";
import { about, type Answered, board, get, language, type Person, refresh, say, setValue, value, wall, within, words, zone } from "./_board";
import { attempt, clear, refuse, startOf, type Way } from "./_refusal";
import { instantOf, later, wallOf } from "./_zone";

const book = get<HTMLDialogElement>("book");
const bookRefusal = within(book, "[data-refusal]");
const typeOf = get<HTMLSelectElement>("book-type");
const told: Way = {
  place: bookRefusal,
  fields: {
    name: "person-name", email: "person-email", phone: "person-phone",
    appointmentTypeId: "book-type", doctorId: "book-doctor", startTime: "book-time", endTime: "book-minutes", notes: "book-notes",
  },
};
const A_NUMBER = /^\+?[\d\s()/.-]{6,}$/;
const A_DATE = /^\d{1,4}[./-] ?\d{1,2}[./-] ?\d{1,4}$/;
let person: Person | undefined;
let searching = 0;

function choose(chosen: Person | undefined, isNew = false): void {
  person = chosen;
  get("chosen").toggleAttribute("data-typed", Boolean(chosen));
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

const known = (each: Person): string => [each.birthDate && new Intl.DateTimeFormat(language, { timeZone: "UTC", dateStyle: "medium" }).format(new Date(each.birthDate)), each.phone, each.email].filter(Boolean).join(" · ");

export function newBooking(at?: string, doctorId?: string): void {
  clear(bookRefusal);
  get<HTMLFormElement>("booking").reset();
  get("people").replaceChildren();
  book.querySelectorAll("[data-typed]").forEach((typed) => typed.removeAttribute("data-typed"));
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
book.addEventListener("input", (event) => (event.target as Element).setAttribute("data-typed", ""));

const length = (): void => void (get("length").hidden = typeOf.value !== "");
typeOf.addEventListener("change", length);

/** Offer only the doctor's appointment types. */
function offer(): void {
  const offered = about.offers[value("book-doctor")];
  for (const each of typeOf.options) each.hidden = each.disabled = Boolean(offered && each.value && !offered.includes(each.value));
  if (typeOf.selectedOptions[0]?.disabled ?? true) typeOf.value = [...typeOf.options].find((each) => !each.disabled)!.value;
  length();
}
get("book-doctor").addEventListener("change", offer);

interface Found { items: Person[]; next?: string | null }

/** Search the clinic's patients, and other clinics' customers by a complete address or number. */
async function people(text: string): Promise<Found> {
  const found = await ask<Found>("GET", `/api/clinics/${about.clinic}/patients?${new URLSearchParams({ q: text, limit: "8" })}`);
  const exact = /^\S+@\S+\.\S+$/.test(text) ? "email" : A_NUMBER.test(text) && !A_DATE.test(text) ? "phone" : "";
  if (!about.find || !exact) return found;
  try {
    const others = (await ask<Found>("GET", `/api/clinics/${about.clinic}/customers?${new URLSearchParams({ [exact]: text })}`)).items;
    return { ...found, items: [...found.items, ...others.filter((each) => !found.items.some((same) => same.customerId === each.customerId))] };
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
    if (refused instanceof Refused) refuse(refused.problem, told);
    return { items: [] } as Found;
  });
  if (asked !== searching) return;
  const choices = found.items.map((each) => {
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
    else if (A_NUMBER.test(text) && !A_DATE.test(text)) setValue("person-phone", text);
    get("person-name").focus();
  });
  const more = found.next ? [element("small", { class: "quiet" }, words["more"]!)] : [];
  get("people").replaceChildren(...[...choices, ...more, add].map((each) => element("li", {}, each)));
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
    refuse({ title: words["choose"]!, detail: "", status: 0 }, told);
    return get("who").focus();
  }
  const start = `${value("book-date")}T${value("book-time")}`;
  const ends = (): string => instantOf(later(start, Number(value("book-minutes"))), zone).toISOString();
  const way = {
    ...told, allowed: override?.allow ?? [],
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
    const startTime = startOf(start, value("book-doctor"));
    if (isNew) {
      const content = { name: value("person-name").trim(), email: value("person-email").trim() || null, phone: value("person-phone").trim() || null, timeZone: zone };
      const customer = await ask<{ id: string; name: string; email: string | null; phone: string | null }>("POST", "/api/customers", content);
      choose({ ...customer, customerId: customer.id }); // whatever becomes of the booking
    }
    const what = typeOf.value ? { appointmentTypeId: typeOf.value } : { endTime: ends() };
    const wish = { customerId: person!.customerId, doctorId: value("book-doctor"), startTime, notes: value("book-notes").trim() || null, ...what };
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
