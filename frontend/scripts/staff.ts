// Forms of staff's pages send what the API takes, and show its problems at their fields. Nothing that was typed is lost.
//
//   <form data-api="PATCH /api/clinics/1" data-version="3" data-done="/staff/1/clinic">
//
// A control's name is the place of its value in the body: `policy.horizonDays`, `address.0`. `data-as` says what the value is
// (number, null: empty is null, list: one a line, omit: empty is left out); of checkboxes with one name and `data-as="list"` the checked values.
// A place in braces in the address is a control's value: `DELETE /api/absences/{id}`. `data-query` sends the controls as the query instead of a body.
// `data-confirm` asks first. `data-done` is where it goes on; without it the page is loaded anew. A `data-done` may use members of the answer: `/staff/1/doctors/{id}`.
import { ask, element, Refused, type Problem } from "./_api";

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;
type Body = { [name: string]: unknown };

const controlsOf = (form: HTMLFormElement): Control[] =>
  [...form.elements].filter((control): control is Control => control.matches("input, select, textarea") && (control as Control).name !== "" && !(control as Control).disabled);

function valueOf(control: Control): unknown {
  const as = control.dataset.as ?? "";
  if (control instanceof HTMLInputElement && control.type === "checkbox") return control.checked;
  const text = control.value.trim();
  if (as.includes("null") && text === "") return null;
  if (as.includes("omit") && text === "") return undefined;
  if (as.includes("list")) return text.split("\n").map((line) => line.trim()).filter(Boolean);
  if (as.includes("number")) return text === "" ? null : Number(text);
  return text;
}

function put(body: Body, place: string, value: unknown): void {
  const path = place.split(".");
  let at: Body = body;
  for (const name of path.slice(0, -1)) at = (at[name] ??= {}) as Body;
  at[path.at(-1)!] = value;
}

export function bodyOf(form: HTMLFormElement): Body {
  const body: Body = {};
  const lists = new Map<string, unknown[]>();
  for (const control of controlsOf(form)) {
    if (control instanceof HTMLInputElement && control.type === "radio" && !control.checked) continue;
    if (control instanceof HTMLInputElement && control.type === "checkbox" && control.dataset.as?.includes("list")) {
      const list = lists.get(control.name) ?? [];
      lists.set(control.name, list);
      if (control.checked) list.push(control.dataset.as.includes("number") ? Number(control.value) : control.value);
      continue;
    }
    const value = valueOf(control);
    if (value !== undefined) put(body, control.name, value);
  }
  for (const [name, list] of lists) put(body, name, list);
  return body;
}

/** Put a problem where it belongs: each fault at its field, the rest at the form's head. */
export function tell(form: HTMLFormElement, problem: Problem): void {
  clear(form);
  const left: string[] = [];
  let first: Control | undefined;
  for (const fault of problem.errors ?? []) {
    const place = fault.pointer.replace(/^(#\/|\?)/, "").replaceAll("/", ".");
    const control = controlsOf(form).find((each) => each.name === place || place.startsWith(`${each.name}.`));
    const spot = control && form.querySelector(`[id="${CSS.escape(control.id)}-fault"]`);
    if (control && spot) {
      control.setAttribute("aria-invalid", "true");
      spot.textContent = fault.detail;
      first ??= control;
    } else left.push(`${place}: ${fault.detail}`);
  }
  const box = element("div", { class: "notice bad", role: "alert", "data-told": "" }, element("p", {}, left.length || !first ? problem.detail || problem.title : problem.title));
  if (left.length) box.append(element("ul", {}, ...left.map((line) => element("li", {}, line))));
  form.prepend(box);
  (first ?? box).scrollIntoView({ block: "center" });
  first?.focus();
}

export function clear(form: HTMLFormElement): void {
  form.querySelectorAll("[data-told]").forEach((each) => each.remove());
  form.querySelectorAll("[aria-invalid]").forEach((each) => each.removeAttribute("aria-invalid"));
  form.querySelectorAll(".fault").forEach((each) => (each.textContent = ""));
}

/** Send a form. Resolves to the answer, or to nothing when it was refused, which the form then tells. */
export async function send<T>(form: HTMLFormElement, more: Body = {}): Promise<T | undefined> {
  const [method = "POST", template = ""] = (form.dataset.api ?? "").split(" ");
  const body: Body = { ...bodyOf(form), ...more };
  let path = template.replace(/\{([\w.]+)\}/g, (_, name: string) => {
    const value = body[name];
    delete body[name];
    return encodeURIComponent(String(value ?? ""));
  });
  if ("query" in form.dataset) {
    const query = new URLSearchParams(Object.entries(body).filter(([, value]) => value !== null && value !== "").map(([name, value]) => [name, String(value)]));
    if (query.size) path += `?${query}`;
  }
  const buttons = [...form.querySelectorAll<HTMLButtonElement>("button:not([type=button])")];
  buttons.forEach((button) => button.setAttribute("aria-busy", "true"));
  try {
    const sent = "query" in form.dataset || method === "DELETE" || (method === "POST" && "empty" in form.dataset) ? undefined : body;
    const answer = await ask<T>(method, path, sent, form.dataset.version ? { "If-Match": `"v${form.dataset.version}"` } : {});
    clear(form);
    return answer ?? ({} as T);
  } catch (refusal) {
    if (!(refusal instanceof Refused)) throw refusal;
    tell(form, refusal.problem);
    form.dispatchEvent(new CustomEvent("refused", { detail: refusal.problem, bubbles: true }));
    return undefined;
  } finally {
    buttons.forEach((button) => button.removeAttribute("aria-busy"));
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target as HTMLFormElement;
  if (!form.dataset.api || event.defaultPrevented) return;
  event.preventDefault();
  if (form.querySelector("[aria-busy]")) return;
  if (form.dataset.confirm && !confirm(form.dataset.confirm)) return;
  const answer = await send<Record<string, unknown>>(form);
  if (answer === undefined) return;
  form.dispatchEvent(new CustomEvent("sent", { detail: answer, bubbles: true }));
  if ("stay" in form.dataset) return;
  const done = form.dataset.done?.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(answer[name] ?? "")));
  if (done && done !== location.pathname + location.search) location.assign(done);
  else location.reload();
});

// <button data-opens="dialog's id">, and <button data-closes> inside
document.addEventListener("click", (event) => {
  const button = (event.target as Element).closest<HTMLElement>("[data-opens], [data-closes]");
  if (!button) return;
  if (button.dataset.opens) (document.getElementById(button.dataset.opens) as HTMLDialogElement | null)?.showModal();
  else button.closest("dialog")?.close();
});

