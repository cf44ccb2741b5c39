// Forms of staff's pages send what the API takes, and show its problems at their fields. Nothing that was typed is lost.
//
//   <form data-api="PATCH /api/clinics/1" data-version="3" data-done="/staff/1/clinic">
//
// A control's name is the place of its value in the body: `policy.horizonDays`, `address.0`. `data-as` says what the value is
// (number, null: empty is null, list: one a line, omit: empty is left out, json, end: of a part of a day, whose midnight is 24:00); of checkboxes with one
// name and `data-as="list"` the checked values (`list null`: none of them is null). A number is multiplied by the value of the control with the id `data-unit`.
// A button with `data-with` adds these members (JSON) when it is the one pressed. A control with `data-reasons` is what a conflict for one of these reasons is about.
// A place in braces in the address is a control's value: `DELETE /api/absences/{id}`. `data-query` sends the controls as the query instead of a body.
// `data-match` is the ETag of what has no version. `data-confirm` asks first. `data-done` is where it goes on; without it the page is loaded anew. A `data-done` may use members of the answer: `/staff/1/doctors/{id}`.
// `data-shows="id"` stays, and shows the answer there: its members in what has `data-answer="key"` (`data-grouped` by four characters), and what has `data-when` or `data-unless` the name of
// one that is true. A dialog opens; when it closes, the form goes on. A button of the form may say any of this differently for itself.
// `data-says` is told on the next page, as a notice; it may use members of the answer too. What is typed into a form with `data-keep` outlives that the page is loaded anew.
import { ask, element, Refused, signIn, words, type Problem } from "./_api";

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
  if (as.includes("number")) return text === "" ? null : Number(text) * unitOf(control);
  if (as.includes("json")) return JSON.parse(text) as unknown;
  if (as.includes("end") && text === "00:00") return "24:00";
  return text;
}

const unitOf = (control: Control): number => Number((document.getElementById(control.dataset.unit ?? "") as HTMLSelectElement | null)?.value ?? 1);

function put(body: Body, place: string, value: unknown): void {
  const path = place.split(".");
  let at: Body = body;
  path.slice(0, -1).forEach((name, index) => (at = (at[name] ??= /^\d+$/.test(path[index + 1]!) ? [] : {}) as Body));
  at[path.at(-1)!] = value;
}

export function bodyOf(form: HTMLFormElement): Body {
  const body: Body = {};
  const lists = new Map<string, unknown[]>();
  const nullable = new Set<string>();
  for (const control of controlsOf(form)) {
    if (control instanceof HTMLInputElement && control.type === "radio" && !control.checked) continue;
    if (control instanceof HTMLInputElement && control.type === "checkbox" && control.dataset.as?.includes("list")) {
      const list = lists.get(control.name) ?? [];
      lists.set(control.name, list);
      if (control.dataset.as.includes("null")) nullable.add(control.name);
      if (control.checked) list.push(control.dataset.as.includes("number") ? Number(control.value) : control.value);
      continue;
    }
    const value = valueOf(control);
    if (value !== undefined) put(body, control.name, value);
  }
  for (const [name, list] of lists) put(body, name, list.length || !nullable.has(name) ? list : null);
  return body;
}

/** Put a problem where it belongs: each fault at its field, the rest at the form's head. */
export function tell(form: HTMLFormElement, problem: Problem): void {
  clear(form);
  const left: string[] = [];
  let first: Control | undefined;
  const at = (control: Control | undefined, text: string): boolean => {
    const spot = control && (form.querySelector(`[id="${CSS.escape(control.id || control.name)}-fault"]`) ?? control.closest("[data-row]")?.querySelector(".fault"));
    if (!control || !spot) return false;
    control.setAttribute("aria-invalid", "true");
    spot.textContent = text;
    first ??= control;
    return true;
  };
  const controls = controlsOf(form);
  for (const fault of problem.errors ?? []) {
    const place = fault.pointer.replace(/^(#\/|\?)/, "").replaceAll("/", ".");
    const named = (fits: (name: string) => boolean): Control | undefined => controls.find((each) => fits(each.name));
    const control = named((name) => name === place) ?? named((name) => name.startsWith(`${place}.`)) ?? named((name) => place.startsWith(`${name}.`));
    const label = control?.labels?.[0]?.firstChild?.textContent?.trim();
    if (!at(control, fault.detail)) left.push(label ? `${label}: ${fault.detail}` : fault.detail);
  }
  if (problem.reason) at(controls.find((each) => each.dataset.reasons?.split(" ").includes(problem.reason!)), problem.detail);
  const changed = problem.status === 412;
  const said = changed ? [words["changed"]!, words["kept"]!] : [left.length || !first ? problem.detail || problem.title : problem.title];
  const box = element("div", { class: "notice bad", role: "alert", "data-told": "" }, ...said.map((line) => element("p", {}, line)));
  if (left.length) box.append(element("ul", {}, ...left.map((line) => element("li", {}, line))));
  if (problem.status === 401) box.append(element("p", {}, signIn()));
  if (changed) box.append(element("p", {}, element("button", { type: "button", class: "button quiet small", "data-reload": "" }, words["reload"] ?? "")));
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
export async function send<T>(form: HTMLFormElement, more: Body = {}, about: DOMStringMap = form.dataset): Promise<T | undefined> {
  const [method = "POST", template = ""] = (about.api ?? "").split(" ");
  const body: Body = { ...bodyOf(form), ...more };
  let path = template.replace(/\{([\w.]+)\}/g, (_, name: string) => {
    const value = body[name];
    delete body[name];
    return encodeURIComponent(String(value ?? ""));
  });
  if ("query" in about) {
    const query = new URLSearchParams(Object.entries(body).filter(([, value]) => value !== null && value !== "").map(([name, value]) => [name, String(value)]));
    if (query.size) path += `?${query}`;
  }
  const buttons = [...form.querySelectorAll<HTMLButtonElement>("button:not([type=button])")];
  buttons.forEach((button) => button.setAttribute("aria-busy", "true"));
  try {
    const sent = "query" in about || method === "DELETE" || (method === "POST" && "empty" in about) ? undefined : body;
    const match = about.match ?? (about.version && `"v${about.version}"`);
    const answer = await ask<T>(method, path, sent, match ? { "If-Match": match } : {});
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
  const about: DOMStringMap = { ...form.dataset, ...event.submitter?.dataset };
  if (about.confirm && !confirm(about.confirm)) return;
  const answer = await send<Body>(form, about.with ? (JSON.parse(about.with) as Body) : {}, about);
  if (answer === undefined) return;
  form.dispatchEvent(new CustomEvent("sent", { detail: answer, bubbles: true }));
  if (form.dataset.keep) sessionStorage.removeItem(placeOf(form));
  if (about.says) sessionStorage.setItem("says", about.says.replace(/\{(\w+)\}/g, (_, name: string) => String(answer[name] ?? "")));
  const goOn = () => {
    const done = about.done?.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(answer[name] ?? "")));
    if (done && done !== location.pathname + location.search) location.assign(done);
    else location.reload();
  };
  if (about.shows) show(about.shows, answer, goOn);
  else if (!("stay" in about)) goOn();
});

/** Put an answer's members where the page has places for them. */
function show(id: string, answer: Body, goOn: () => void): void {
  const place = document.getElementById(id);
  if (!place) return;
  for (const each of place.querySelectorAll<HTMLElement>("[data-answer]")) {
    const value = String(answer[each.dataset.answer ?? ""] ?? "");
    if (each instanceof HTMLAnchorElement) each.href = value;
    else each.textContent = "grouped" in each.dataset ? value.replace(/(.{4})(?=.)/g, "$1 ") : value;
  }
  for (const each of place.querySelectorAll<HTMLElement>("[data-when]")) each.hidden = !answer[each.dataset.when ?? ""];
  for (const each of place.querySelectorAll<HTMLElement>("[data-unless]")) each.hidden = Boolean(answer[each.dataset.unless ?? ""]);
  if (place instanceof HTMLDialogElement) {
    place.addEventListener("close", goOn, { once: true });
    place.showModal();
  } else {
    place.hidden = false;
    place.scrollIntoView({ block: "nearest" });
  }
}

// <button data-opens="dialog's id">, and <button data-closes> inside; <button data-copies="id of a text"> and <button data-reload>
document.addEventListener("click", (event) => {
  const button = (event.target as Element).closest<HTMLElement>("[data-opens], [data-closes], [data-copies], [data-reload]");
  if (!button) return;
  if (button.dataset.copies) return void copy(button, document.getElementById(button.dataset.copies)?.textContent ?? "");
  if ("reload" in button.dataset) return location.reload();
  if (button.dataset.opens) (document.getElementById(button.dataset.opens) as HTMLDialogElement | null)?.showModal();
  else button.closest("dialog")?.close();
});

async function copy(button: HTMLElement, text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  button.textContent = button.dataset.copied ?? button.textContent;
}

// What the form before has to say
const said = sessionStorage.getItem("says");
sessionStorage.removeItem("says");
if (said) document.getElementById("main")?.prepend(element("div", { class: "notice good", role: "status" }, element("p", {}, said)));

// What was typed into a form with data-keep
const placeOf = (form: HTMLFormElement): string => `${form.dataset.keep} ${location.pathname}${location.search}`;
for (const form of document.querySelectorAll<HTMLFormElement>("form[data-keep]")) {
  const typed = JSON.parse(sessionStorage.getItem(placeOf(form)) ?? "{}") as Record<string, string>;
  for (const control of controlsOf(form)) control.value = typed[control.name] ?? control.value;
  form.addEventListener("input", () => sessionStorage.setItem(placeOf(form), JSON.stringify(Object.fromEntries(controlsOf(form).map((each) => [each.name, each.value])))));
}
