// Sends the staff pages' forms to the API and shows problems next to the fields concerned. Forms keep the user's input.
//
//   <form data-api="PATCH /api/clinics/1" data-version="3" data-done="/staff/1/clinic">
//
// What is sent:
//
// - A control's name says where its value belongs in the body: `policy.horizonDays`, `address.0`. `_form_body.ts`
//   describes `data-as` and `data-unit`.
// - A control's name in braces in the URL is replaced by its value: `DELETE /api/absences/{id}`.
// - `data-query` sends the values as the query instead of a body; `data-empty` sends no body.
// - `data-version` is the version that the form was rendered for; `data-match` is an entity tag instead.
// - `data-confirm` asks for confirmation first.
// - A button with `data-with` adds these members (JSON) when it is pressed.
//
// What happens next:
//
// - `data-done` is the next page, which is the same one again by default. It can use members of the response:
//   `/staff/1/doctors/{id}`. With `data-stay`, the same page stays open.
// - `data-says` is a notice for the next page. It can use members of the response too.
// - `data-shows="id"` shows the response in an element on the page: its members in elements with `data-answer="key"`,
//   in groups of four characters with `data-grouped`; elements with `data-when` or `data-unless` depend on a member.
//   If the element is a dialog, the form continues when the dialog closes. With `data-shows-for`, this happens only if
//   the response has that member.
// - A control with `data-reasons` shows conflicts with one of these reasons.
// - `data-keep` keeps the user's input when the page is reloaded.
//
// A button in the form can have its own values for any of these.
import "./_letter";
import "./_similar";
import "./_template_editor";
import { callApi, createElement, Refused } from "./_api";
import { type Body, bodyOf, controlsOf } from "./_form_body";
import { clearProblem, showProblem } from "./_form_problem";
import { keepFresh } from "./_fresh";
import { type Notice, noticeElement, undoOf } from "./_notice";

/** Replace the names in braces. */
function fillIn(template: string, value: (name: string) => unknown): string {
  return template.replace(/\{([\w.]+)\}/g, (_, name: string) => String(value(name) ?? ""));
}

/** Send a form. Resolves to the response, or to undefined after a refusal, which the form shows. */
async function send(form: HTMLFormElement, more: Body, options: DOMStringMap): Promise<Body | undefined> {
  const [method = "POST", template = ""] = (options.api ?? "").split(" ");
  const body: Body = { ...bodyOf(form), ...more };
  let path = fillIn(template, (name) => {
    const value = body[name];
    delete body[name];
    return encodeURIComponent(String(value ?? ""));
  });
  if ("query" in options) {
    const values = Object.entries(body).filter(([, value]) => value !== null && value !== "");
    const query = new URLSearchParams(values.map(([name, value]) => [name, String(value)]));
    if (query.size) path += `?${query}`;
  }
  const hasBody = !("query" in options) && method !== "DELETE" && !(method === "POST" && "empty" in options);
  const match = options.match ?? (options.version && `"v${options.version}"`);
  const buttons = [...form.querySelectorAll<HTMLButtonElement>("button:not([type=button])")];
  for (const button of buttons) button.setAttribute("aria-busy", "true");
  try {
    const headers: Record<string, string> = match ? { "If-Match": match } : {};
    const answer = await callApi<Body>(method, path, hasBody ? body : undefined, headers);
    clearProblem(form);
    return answer ?? {};
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    showProblem(form, error.problem);
    form.dispatchEvent(new CustomEvent("refused", { detail: error.problem, bubbles: true }));
    return undefined;
  } finally {
    for (const button of buttons) button.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target as HTMLFormElement;
  if (!form.dataset.api || event.defaultPrevented) return;
  event.preventDefault();
  if (form.querySelector("[aria-busy]")) return;
  const options: DOMStringMap = { ...form.dataset, ...event.submitter?.dataset };
  if (options.confirm && !confirm(options.confirm)) return;
  const answer = await send(form, options.with ? (JSON.parse(options.with) as Body) : {}, options);
  if (answer === undefined) return;
  form.dispatchEvent(new CustomEvent("sent", { detail: answer, bubbles: true }));
  if (form.dataset.keep) sessionStorage.removeItem(storageKey(form));
  const undo = undoOf(answer);
  if (options.says)
    sessionStorage.setItem(
      "notice",
      JSON.stringify({ text: fillIn(options.says, (name) => answer[name]), ...(undo ? { undo } : {}) }),
    );
  const proceed = (): void => {
    const next = options.done && fillIn(options.done, (name) => encodeURIComponent(String(answer[name] ?? "")));
    if (next && next !== location.pathname + location.search) location.assign(next);
    else location.reload();
  };
  if (options.shows && (!options.showsFor || answer[options.showsFor])) showAnswer(options.shows, answer, proceed);
  else if (!("stay" in options)) proceed();
});

/** Show a response's members in an element. */
function showAnswer(id: string, answer: Body, proceed: () => void): void {
  const place = document.getElementById(id);
  if (!place) return;
  for (const element of place.querySelectorAll<HTMLElement>("[data-answer]")) {
    const member = answer[element.dataset.answer ?? ""] ?? "";
    const value = Array.isArray(member) ? member.join("\n") : String(member);
    if (element instanceof HTMLAnchorElement) element.href = value;
    else if (element instanceof HTMLIFrameElement) element.srcdoc = value;
    else element.textContent = "grouped" in element.dataset ? value.replace(/(.{4})(?=.)/g, "$1 ") : value;
  }
  for (const element of place.querySelectorAll<HTMLElement>("[data-when]"))
    element.hidden = !answer[element.dataset.when ?? ""];
  for (const element of place.querySelectorAll<HTMLElement>("[data-unless]"))
    element.hidden = Boolean(answer[element.dataset.unless ?? ""]);
  if (place instanceof HTMLDialogElement) {
    place.addEventListener("close", proceed, { once: true });
    place.showModal();
  } else {
    place.hidden = false;
    place.scrollIntoView({ block: "nearest" });
  }
}

// Buttons: `data-opens` opens the dialog with this id, `data-closes` closes the dialog around it, `data-copies` copies
// the text of the element with this id, `data-downloads` saves it as the file `data-file`, `data-prints` prints the
// page, and `data-reload` reloads it.
document.addEventListener("click", (event) => {
  const selector = "[data-opens], [data-closes], [data-copies], [data-downloads], [data-prints], [data-reload]";
  const button = (event.target as Element).closest<HTMLElement>(selector);
  if (!button) return;
  if (button.dataset.copies) void copy(button, document.getElementById(button.dataset.copies)?.textContent ?? "");
  else if (button.dataset.downloads) download(button, document.getElementById(button.dataset.downloads));
  else if ("prints" in button.dataset) print();
  else if ("reload" in button.dataset) location.reload();
  else if (button.dataset.opens)
    (document.getElementById(button.dataset.opens) as HTMLDialogElement | null)?.showModal();
  else button.closest("dialog")?.close();
});

// A checkbox with `data-checks` checks, or clears, all checkboxes in its form with this name.
document.addEventListener("change", (event) => {
  const box = event.target as HTMLInputElement;
  if (!box.dataset.checks) return;
  for (const each of box.form?.querySelectorAll<HTMLInputElement>(`[name="${box.dataset.checks}"]`) ?? [])
    each.checked = box.checked;
});

// A fieldset with `data-if` and `data-is` belongs to the form only while the control with this id has one of these
// values. Without scripts, all of them are visible.
for (const part of document.querySelectorAll<HTMLFieldSetElement>("fieldset[data-if]")) {
  const control = document.getElementById(part.dataset.if ?? "") as HTMLSelectElement;
  const update = (): void => {
    part.hidden = part.disabled = !part.dataset.is?.split(" ").includes(control.value);
  };
  control.addEventListener("change", update);
  update();
}

// Pages that also work without scripts hide their buttons that need one.
for (const button of document.querySelectorAll<HTMLElement>("[data-copies][hidden]"))
  button.hidden = !navigator.clipboard;

for (const part of document.querySelectorAll<HTMLElement>("[data-fresh]")) keepFresh(part);

async function copy(button: HTMLElement, text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  button.textContent = button.dataset.copied ?? button.textContent;
}

/** How long a browser may take to save a file before its content is released. */
const DOWNLOAD_MS = 60_000;

function download(button: HTMLElement, source: HTMLElement | null): void {
  const href = URL.createObjectURL(new Blob([`${source?.textContent ?? ""}\n`], { type: "text/plain" }));
  createElement("a", { href, download: button.dataset.file ?? "" }).click();
  setTimeout(() => URL.revokeObjectURL(href), DOWNLOAD_MS);
}

// Drafts belong to the user who typed them.
document.querySelector('form[action="/sign-out"]')?.addEventListener("submit", () => sessionStorage.clear());

// Show the notice from the form on the previous page, with a way to undo what the form did.
const notice = JSON.parse(sessionStorage.getItem("notice") ?? "null") as Notice | null;
sessionStorage.removeItem("notice");
if (notice) document.getElementById("main")?.prepend(noticeElement(notice));

// Restore the user's input in forms with `data-keep`.
function storageKey(form: HTMLFormElement): string {
  return `${form.dataset.keep} ${location.pathname}${location.search}`;
}
for (const form of document.querySelectorAll<HTMLFormElement>("form[data-keep]")) {
  const typed = JSON.parse(sessionStorage.getItem(storageKey(form)) ?? "{}") as Record<string, string>;
  for (const control of controlsOf(form)) control.value = typed[control.name] ?? control.value;
  form.addEventListener("input", () => {
    const values = Object.fromEntries(controlsOf(form).map((control) => [control.name, control.value]));
    sessionStorage.setItem(storageKey(form), JSON.stringify(values));
  });
}
for (const list of document.querySelectorAll<HTMLElement>("[data-fresh]")) keepFresh(list);
