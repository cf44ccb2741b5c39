// The appointment type form: price, name, and undoing a change of place.
import type { Body } from "./_form_body";

const amount = document.getElementById("amount") as HTMLInputElement;
const currency = document.getElementById("currency") as HTMLSelectElement;
const price = document.getElementById("price") as HTMLInputElement;

/** Convert the typed price to its currency's minor units, without rounding: 12.50 euros, 1250 yen. */
function readPrice(): void {
  const decimals = Number(currency.selectedOptions[0]?.dataset["decimals"] ?? 2);
  const [, whole, part = ""] = /^(\d{1,12})(?:[.,](\d*))?$/.exec(amount.value.replace(/\s/g, "")) ?? [];
  const isValid = whole !== undefined && part.length <= decimals;
  const example = decimals ? `12.${"50".padEnd(decimals, "0").slice(0, decimals)}` : "1250";
  const message = (amount.dataset["wrong"] ?? "").replace("{example}", example);
  amount.setCustomValidity(isValid || amount.value.trim() === "" ? "" : message);
  document.getElementById("price-fault")!.textContent = amount.validationMessage;
  const minorUnits = Number((whole ?? "") + part.padEnd(decimals, "0"));
  price.value = isValid ? JSON.stringify({ amount: minorUnits, currency: currency.value }) : "null";
}

const nameInput = document.getElementById("name") as HTMLInputElement;
const normalise = (name: string): string => name.trim().replace(/\s+/g, " ").toLocaleLowerCase();
const otherNames = new Set((JSON.parse(nameInput.dataset["taken"] ?? "[]") as string[]).map(normalise));

/** Reject the name of another type, because patients couldn't tell the two apart. A type can keep a shared name. */
function checkName(): void {
  const isTaken = otherNames.has(normalise(nameInput.value)) && nameInput.value !== nameInput.defaultValue;
  nameInput.setCustomValidity(isTaken ? (nameInput.dataset["wrong"] ?? "") : "");
  const { customError } = nameInput.validity;
  document.getElementById("name-fault")!.textContent = customError ? nameInput.validationMessage : "";
}

nameInput.addEventListener("input", checkName);
amount.addEventListener("input", readPrice);
currency.addEventListener("input", readPrice);
readPrice();

/** How long messages to patients wait after a change of place, in milliseconds. */
const UNDO_TIME = 8000;
const mode = document.querySelector<HTMLSelectElement>("select[data-old]");

// Patients hear nothing if the place changes back before the messages are sent.
mode?.form?.addEventListener("sent", (event) => {
  const answer = (event as CustomEvent<Body>).detail;
  const old = mode.dataset["old"];
  if (answer["mode"] === old) return;
  const messagesHeldUntil = new Date(Date.now() + UNDO_TIME).toISOString();
  answer["undo"] = { url: `/api/appointmentTypes/${String(answer["id"])}`, change: { mode: old }, messagesHeldUntil };
});
