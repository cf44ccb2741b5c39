// The booking dialog, for a new patient or for an existing one, who is suggested as the user types.
import { callApi, createElement, type Override, Refused } from "./_api";
import {
  announce,
  board,
  boardAddress,
  config,
  get,
  language,
  type Person,
  refresh,
  setValue,
  valueOf,
  wallTime,
  within,
  words,
  zone,
} from "./_board";
import { attempt, clearRefusal, type RefusalTarget, showRefusal, startInstant } from "./_refusal";
import { addMinutes, dateOf, instantOf, timeOf, wallOf } from "./_zone";

const PHONE_NUMBER = /^\+?[\d\s()/.-]{6,}$/;
const DATE = /^\d{1,4}[./-] ?\d{1,2}[./-] ?\d{1,4}$/;
const EMAIL_ADDRESS = /^\S+@\S+\.\S+$/;
const TYPING_DELAY = 200;
const MAX_SUGGESTIONS = 8;

const dialog = get<HTMLDialogElement>("book");
const refusal = within(dialog, "[data-refusal]");
const typeSelect = get<HTMLSelectElement>("book-type");
const target: RefusalTarget = {
  place: refusal,
  fields: {
    name: "person-name",
    email: "person-email",
    phone: "person-phone",
    appointmentTypeId: "book-type",
    doctorId: "book-doctor",
    startTime: "book-time",
    endTime: "book-minutes",
    notes: "book-notes",
  },
};
/** The selected patient; undefined during a search and for a new patient. */
let person: Person | undefined;
let searchNumber = 0;

const isPhoneNumber = (text: string): boolean => PHONE_NUMBER.test(text) && !DATE.test(text);

function select(selected: Person | undefined, isNew = false): void {
  person = selected;
  get("chosen").toggleAttribute("data-typed", Boolean(selected));
  get("chosen").hidden = !selected;
  get("finding").hidden = Boolean(selected) || isNew;
  get("new-patient").hidden = !isNew;
  get<HTMLFieldSetElement>("new-patient").disabled = !isNew;
  get<HTMLInputElement>("person-name").required = isNew;
  if (selected) {
    within(get("chosen"), "strong").textContent = selected.name;
    within(get("chosen"), "small").textContent = describe(selected);
  }
}

/** Describe a person by date of birth, phone number and email address. */
function describe({ birthDate, phone, email }: Person): string {
  const format = new Intl.DateTimeFormat(language, { timeZone: "UTC", dateStyle: "medium" });
  return [birthDate && format.format(new Date(birthDate)), phone, email].filter(Boolean).join(" · ");
}

/** Open the dialog for the time and doctor that the user clicked, or for suggested ones. */
export function newBooking(wall?: string, doctorId?: string): void {
  clearRefusal(refusal);
  get<HTMLFormElement>("booking").reset();
  get("people").replaceChildren();
  for (const field of dialog.querySelectorAll("[data-typed]")) field.removeAttribute("data-typed");
  select(undefined);
  const start = wall ?? suggestStart();
  setStart(start);
  const doctor = doctorId || config.doctor || suggestDoctor(start);
  if (doctor) setValue("book-doctor", doctor);
  offerTypes();
  dialog.showModal();
  get("who").focus();
}

/** Suggest the next quarter-hour if the board shows today, or else the first published time. */
function suggestStart(): string {
  const now = wallOf(new Date(), zone);
  if (board.first <= dateOf(now) && dateOf(now) <= board.last)
    return addMinutes(now, 15 - (Number(now.slice(14, 16)) % 15));
  return board.times.find((time) => !time.absence)?.start ?? `${board.first}T09:00`;
}

/** Suggest a doctor who works at a given time. */
function suggestDoctor(start: string): string | undefined {
  const hours = board.times.filter((time) => !time.absence);
  const range = hours.find((time) => time.start <= start && start < time.end) ?? hours[0];
  return range?.doctorId || board.doctors[0]?.id;
}

function setStart(wall: string): void {
  setValue("book-date", dateOf(wall));
  setValue("book-time", timeOf(wall));
}

get("new").addEventListener("click", () => newBooking());
dialog.addEventListener("input", (event) => (event.target as Element).setAttribute("data-typed", ""));

/** Ask for the length only if no type determines it. */
function toggleLength(): void {
  get("length").hidden = typeSelect.value !== "";
}
typeSelect.addEventListener("change", toggleLength);

/** Offer only the doctor's appointment types. */
function offerTypes(): void {
  const offered = config.offers[valueOf("book-doctor")];
  for (const option of typeSelect.options) {
    option.disabled = Boolean(offered && option.value && !offered.includes(option.value));
    option.hidden = option.disabled;
  }
  if (typeSelect.selectedOptions[0]?.disabled ?? true)
    typeSelect.value = [...typeSelect.options].find((option) => !option.disabled)!.value;
  toggleLength();
}
get("book-doctor").addEventListener("change", offerTypes);

interface People {
  items: Person[];
  next?: string | null;
}

/** Search the clinic's patients, and other clinics' customers by complete email address or phone number. */
async function searchPeople(text: string): Promise<People> {
  const query = new URLSearchParams({ q: text, limit: String(MAX_SUGGESTIONS) });
  const patients = await callApi<People>("GET", `/api/clinics/${config.clinic}/patients?${query}`);
  const exact = EMAIL_ADDRESS.test(text) ? "email" : isPhoneNumber(text) ? "phone" : "";
  if (!config.find || !exact) return patients;
  try {
    const exactQuery = new URLSearchParams({ [exact]: text });
    const customers = await callApi<People>("GET", `/api/clinics/${config.clinic}/customers?${exactQuery}`);
    const known = new Set(patients.items.map(({ customerId }) => customerId));
    const others = customers.items.filter(({ customerId }) => !known.has(customerId));
    return { ...patients, items: [...patients.items, ...others] };
  } catch (error) {
    if (error instanceof Refused) return patients; // the number is not complete yet
    throw error;
  }
}

async function suggestPeople(): Promise<void> {
  const text = valueOf("who").trim();
  const number = ++searchNumber;
  if (text.length < 2) return get("people").replaceChildren();
  const people = await searchPeople(text).catch((error: unknown): People => {
    if (error instanceof Refused) showRefusal(error.problem, target);
    return { items: [] };
  });
  if (number !== searchNumber) return;
  const more = people.next ? [createElement("small", { class: "quiet" }, words["more"]!)] : [];
  const choices = [...people.items.map(personButton), ...more, newPersonButton(text)];
  get("people").replaceChildren(...choices.map((choice) => createElement("li", {}, choice)));
}

function personButton(found: Person): HTMLElement {
  const details = found.isPatient === false ? words["elsewhere"]! : describe(found);
  const name = createElement("strong", {}, found.name);
  const button = createElement("button", { type: "button" }, name, createElement("small", {}, details));
  button.addEventListener("click", () => {
    select(found);
    typeSelect.focus();
  });
  return button;
}

/** The button that adds a new patient, with the name, email address or phone number typed so far. */
function newPersonButton(text: string): HTMLElement {
  const button = createElement("button", { type: "button" }, words["add"]!.replace("{name}", text));
  button.addEventListener("click", () => {
    select(undefined, true);
    setValue("person-name", text.includes("@") || /\d/.test(text) ? "" : text);
    if (text.includes("@")) setValue("person-email", text);
    else if (isPhoneNumber(text)) setValue("person-phone", text);
    get("person-name").focus();
  });
  return button;
}

let typingTimer = 0;
get("who").addEventListener("input", () => {
  clearTimeout(typingTimer);
  typingTimer = window.setTimeout(() => void suggestPeople(), TYPING_DELAY);
});
get("finding").addEventListener("keydown", (event) => {
  const stops = [get("who"), ...get("people").querySelectorAll("button")];
  const index = stops.indexOf(document.activeElement as HTMLElement);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    stops[index + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
  } else if (event.key === "Enter" && index === 0) event.preventDefault();
});
for (const id of ["another", "not-new"])
  get(id).addEventListener("click", () => {
    select(undefined);
    get("who").focus();
  });

async function book(override?: Override): Promise<void> {
  const isNew = !get("new-patient").hidden;
  if (!person && !isNew) {
    showRefusal({ title: words["choose"]!, detail: "", status: 0 }, target);
    return get("who").focus();
  }
  const start = `${valueOf("book-date")}T${valueOf("book-time")}`;
  const send = async (): Promise<void> => {
    const startTime = startInstant(start, valueOf("book-doctor"));
    if (isNew) select(await register()); // so that the patient stays selected even if the booking is refused
    await callApi("POST", "/api/appointments", {
      customerId: person!.customerId,
      doctorId: valueOf("book-doctor"),
      startTime,
      notes: valueOf("book-notes").trim() || null,
      ...(typeSelect.value ? { appointmentTypeId: typeSelect.value } : { endTime: endInstant(start) }),
      ...(override ? { override } : {}),
    });
  };
  const succeeded = await attempt(send, {
    ...target,
    allowed: override?.allow ?? [],
    onAlternative: (startTime, doctorId) => {
      setStart(wallTime(startTime));
      setValue("book-doctor", doctorId); // keeps the type, which the alternative's doctor offers
      void book();
    },
    onOverride: (allow, reason) => void book({ allow, reason }),
  });
  if (!succeeded) return;
  dialog.close();
  const day = valueOf("book-date");
  if (day < board.first || day > board.last) return location.assign(boardAddress(day || dateOf(start)));
  await refresh();
  announce(`${person!.name}: ${words["booked"]}`);
}

async function register(): Promise<Person> {
  const customer = await callApi<{ id: string; name: string }>("POST", "/api/customers", {
    name: valueOf("person-name").trim(),
    email: valueOf("person-email").trim() || null,
    phone: valueOf("person-phone").trim() || null,
    timeZone: zone,
  });
  return { ...customer, customerId: customer.id };
}

function endInstant(start: string): string {
  return instantOf(addMinutes(start, Number(valueOf("book-minutes"))), zone).toISOString();
}

get("booking").addEventListener("submit", (event) => {
  event.preventDefault();
  void book();
});
