// Finds the patient to book for: an existing one, suggested as the user types, or a new one.
import { callApi, createElement, Refused } from "./_api";
import { config, get, type Person, setValue, valueOf, within, words, zone } from "./_board";
import { showRecord } from "./_panel";
import { type RefusalTarget, showRefusal } from "./_refusal";
import { suggestSimilar } from "./_similar";

const PHONE_NUMBER = /^\+?[\d\s()/.-]{6,}$/;
const DATE = /^\d{1,4}[./-] ?\d{1,2}[./-] ?\d{1,4}$/;
const EMAIL_ADDRESS = /^\S+@\S+\.\S+$/;
const TYPING_DELAY = 200;

interface People {
  items: Person[];
  hasMore?: boolean;
}

/** The selected patient; undefined during a search and for a new patient. */
export let person: Person | undefined;
let searchNumber = 0;
/** Callbacks to run after the user has selected someone. */
export const onSelect: (() => void)[] = [];

const isPhoneNumber = (text: string): boolean => PHONE_NUMBER.test(text) && !DATE.test(text);
export const isNew = (): boolean => !get("new-patient").hidden;

export function select(selected: Person | undefined, isNewPatient = false): void {
  person = selected;
  get("chosen").toggleAttribute("data-typed", Boolean(selected));
  get("chosen").hidden = !selected;
  get("finding").hidden = Boolean(selected) || isNewPatient;
  get("new-patient").hidden = !isNewPatient;
  get<HTMLFieldSetElement>("new-patient").disabled = !isNewPatient;
  get<HTMLInputElement>("person-name").required = isNewPatient;
  if (selected) {
    within(get("chosen"), "strong").textContent = selected.name;
    within(get("chosen"), "small").textContent = selected.description ?? "";
  }
  void showRecord(get("book"), selected?.isPatient === false ? null : (selected?.customerId ?? null));
  for (const callback of onSelect) callback();
}

/** Search the clinic's patients, and other clinics' customers by complete email address or phone number. */
async function searchPeople(text: string): Promise<People> {
  const query = new URLSearchParams({ q: text });
  const patients = await callApi<People>("GET", `/staff/${config.clinic}/people.json?${query}`);
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

async function suggestPeople(target: RefusalTarget): Promise<void> {
  const text = valueOf("who").trim();
  const number = ++searchNumber;
  if (text.length < 2) {
    get("people").replaceChildren();
    get("people-count").textContent = "";
    return;
  }
  const people = await searchPeople(text).catch((error: unknown): People => {
    if (error instanceof Refused) showRefusal(error.problem, target);
    return { items: [] };
  });
  if (number !== searchNumber) return;
  const more = people.hasMore ? [createElement("small", { class: "quiet" }, words["more"]!)] : [];
  const choices = [...people.items.map(personButton), ...more, newPersonButton(text)];
  get("people").replaceChildren(...choices.map((choice) => createElement("li", {}, choice)));
  get("people-count").textContent = words["found"]!.replace("{count}", String(people.items.length));
}

function personButton(found: Person): HTMLElement {
  const details = found.isPatient === false ? words["elsewhere"]! : (found.description ?? "");
  const name = createElement("strong", {}, found.name);
  const button = createElement("button", { type: "button" }, name, createElement("small", {}, details));
  button.addEventListener("click", () => {
    select(found);
    get("book-type").focus();
  });
  return button;
}

/** The words without digits: a name without the date of birth or record number that the user has searched for. */
const nameIn = (text: string): string => text.replace(/\S*\d\S*/g, "").trim();

/** The button that adds a new patient, with the name, email address or phone number typed so far. */
function newPersonButton(text: string): HTMLElement {
  const button = createElement("button", { type: "button" }, words["add"]!.replace("{name}", text));
  button.addEventListener("click", () => {
    const name = text.includes("@") ? "" : nameIn(text);
    setValue("person-name", name);
    if (text.includes("@")) setValue("person-email", text);
    else if (isPhoneNumber(text)) setValue("person-phone", text);
    select(undefined, true);
    get(name ? "person-born" : "person-name").focus();
  });
  return button;
}

/** Suggest people as the user types. `target` shows refusals. */
export function listenForNames(target: RefusalTarget): void {
  let typingTimer = 0;
  get("who").addEventListener("input", () => {
    clearTimeout(typingTimer);
    typingTimer = window.setTimeout(() => void suggestPeople(target), TYPING_DELAY);
  });
}
// Suggest existing patients who are probably the same person as the new one.
suggestSimilar(
  get("new-patient"),
  get("similar"),
  () => ({
    name: valueOf("person-name"),
    birthDate: valueOf("person-born"),
    phone: valueOf("person-phone"),
    email: valueOf("person-email"),
  }),
  personButton,
);
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

/** Register the new patient, with the details in the form. */
export async function register(): Promise<Person> {
  const customer = await callApi<{ id: string; name: string }>("POST", "/api/customers", {
    name: valueOf("person-name").trim(),
    birthDate: valueOf("person-born") || null,
    email: valueOf("person-email").trim() || null,
    phone: valueOf("person-phone").trim() || null,
    timeZone: zone,
  });
  return { ...customer, customerId: customer.id, isPatient: false };
}
