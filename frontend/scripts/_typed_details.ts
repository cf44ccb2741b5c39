// What the visitor has typed into the booking form, so that it is still there after they have added another appointment
// to the visit, chosen a different time or come back to correct a detail. It stays in this tab, and is forgotten once
// the appointment is booked.
import { clinic, storage } from "./_storage";

const KEY = "appoint-typed";
/** Details of the person that an appointment is for. */
const PERSONAL = /^(person|name|birthDate)\d*$/;
const SHARED = ["email", "phone", "known", "note"];

interface Typed {
  clinic: string;
  values: Record<string, string>;
}

/** What a control's value is stored as. Details of a person belong to the time of their appointment. */
function keyOf(control: Element): string | undefined {
  const { name } = control as HTMLInputElement;
  const personal = PERSONAL.exec(name)?.[1];
  if (personal) return `${control.closest<HTMLElement>("[data-part]")?.dataset.part} ${personal}`;
  return SHARED.includes(name) ? name : undefined;
}

function read(): Typed {
  const typed = JSON.parse(storage()?.getItem(KEY) ?? "null") as Typed | null;
  return typed?.clinic === clinic() ? typed : { clinic: clinic(), values: {} };
}

/** Fill in the form's empty fields, and remember what is typed into it from now on. */
export function rememberTyped(form: HTMLFormElement): void {
  const { values } = read();
  for (const control of form.elements) {
    const value = values[keyOf(control) ?? ""];
    if (value === undefined) continue;
    if (control instanceof HTMLInputElement && control.type === "radio") control.checked = control.value === value;
    else if (control instanceof HTMLSelectElement) {
      if ([...control.options].some((option) => option.value === value)) control.value = value;
    } else if (!(control as HTMLInputElement).value) (control as HTMLInputElement).value = value;
  }
  form.addEventListener("input", ({ target }) => {
    const control = target as HTMLInputElement;
    const key = keyOf(control);
    if (!key) return;
    const typed = read();
    typed.values[key] = control.value;
    storage()?.setItem(KEY, JSON.stringify(typed));
  });
}

export function forgetTyped(): void {
  storage()?.removeItem(KEY);
}
