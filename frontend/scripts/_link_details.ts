// Details for the booking form that a link contains in its fragment:
//   https://…/c/harbour#name=Ana+Souza&email=ana@example.org
// Browsers don't send fragments, so no server, log or other site sees the details. They stay in this tab.
import { clinic, storage } from "./_storage";

const FIELDS = ["name", "email", "phone", "birthDate", "note"];
const MAX_LENGTH = 2000;
const KEY = "appoint-details";

/** Remove the details from the address, so that they don't stay in the history or in a copied link. */
export function keepDetails(): void {
  const linked = new URLSearchParams(location.hash.slice(1));
  const details = FIELDS.flatMap((field) => {
    const text = linked.get(field)?.slice(0, MAX_LENGTH);
    return text ? [[field, text]] : [];
  });
  if (details.length === 0) return;
  history.replaceState(history.state, "", location.pathname + location.search);
  storage()?.setItem(KEY, JSON.stringify({ clinic: clinic(), details }));
}

/** Fill in the form's empty fields with the details, unless it asks who the appointment is for. */
export function fillIn(form: HTMLFormElement): void {
  const stored = storage()?.getItem(KEY);
  if (!stored || form.querySelector("[name=person]")) return;
  const linked: { clinic: string; details: [string, string][] } = JSON.parse(stored);
  if (linked.clinic !== clinic()) return;
  for (const [name, text] of linked.details) {
    const field = form.querySelector<HTMLInputElement>(`[name=${name}]`);
    if (field && !field.value) field.value = text;
  }
}

/** Forget the details once there is an appointment. */
export function forgetDetails(): void {
  storage()?.removeItem(KEY);
}
