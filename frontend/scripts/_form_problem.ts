// Shows a refused request's problem in its form: each fault next to its field, the rest at the top of the form.
import { createElement, type Problem, signInLink, words } from "./_api";
import { type Control, controlsOf } from "./_form_body";

export function showProblem(form: HTMLFormElement, problem: Problem): void {
  clearProblem(form);
  const controls = controlsOf(form);
  const unplaced: string[] = [];
  let first: Control | undefined;
  const showAt = (control: Control | undefined, text: string): boolean => {
    const fault = control && faultOf(form, control);
    if (!control || !fault) return false;
    control.setAttribute("aria-invalid", "true");
    fault.textContent = text;
    first ??= control;
    return true;
  };
  for (const { pointer, detail } of problem.errors ?? []) {
    const control = controlAt(controls, pointer.replace(/^(#\/|\?)/, "").replaceAll("/", "."));
    const label = control?.labels?.[0]?.firstChild?.textContent?.trim();
    if (!showAt(control, detail)) unplaced.push(label ? `${label}: ${detail}` : detail);
  }
  const { reason } = problem;
  if (reason)
    showAt(
      controls.find((control) => control.dataset.reasons?.split(" ").includes(reason)),
      problem.detail,
    );
  const isAtFields = first !== undefined && !unplaced.length;
  const box = problemBox(problem, isAtFields ? problem.title : problem.detail || problem.title, unplaced);
  form.prepend(box);
  (first ?? box).scrollIntoView({ block: "center" });
  first?.focus();
}

/** The control that provides all or part of the value at a place in the body. */
function controlAt(controls: Control[], place: string): Control | undefined {
  return (
    controls.find(({ name }) => name === place) ??
    controls.find(({ name }) => name.startsWith(`${place}.`)) ??
    controls.find(({ name }) => place.startsWith(`${name}.`))
  );
}

/** The element that shows a control's fault. */
function faultOf(form: HTMLFormElement, control: Control): Element | null | undefined {
  const own = form.querySelector(`[id="${CSS.escape(control.id || control.name)}-fault"]`);
  return own ?? control.closest("[data-row]")?.querySelector(".fault");
}

function problemBox(problem: Problem, text: string, details: string[]): HTMLElement {
  const isOutdated = problem.status === 412;
  const lines = isOutdated ? [words["changed"]!, words["kept"]!] : [text];
  const paragraphs = lines.map((line) => createElement("p", {}, line));
  const box = createElement("div", { class: "notice bad", role: "alert", "data-problem": "" }, ...paragraphs);
  if (details.length) box.append(createElement("ul", {}, ...details.map((each) => createElement("li", {}, each))));
  if (String(problem["type"]).endsWith("proof-required")) {
    const href = `/staff/confirm?next=${encodeURIComponent(location.pathname + location.search)}`;
    box.append(createElement("p", {}, createElement("a", { href, class: "button small" }, words["confirm"] ?? "")));
  }
  if (problem.status === 401) box.append(createElement("p", {}, signInLink()));
  if (isOutdated) {
    const attributes = { type: "button", class: "button quiet small", "data-reload": "" };
    box.append(createElement("p", {}, createElement("button", attributes, words["reload"] ?? "")));
  }
  return box;
}

export function clearProblem(form: HTMLFormElement): void {
  for (const box of form.querySelectorAll("[data-problem]")) box.remove();
  for (const control of form.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
  for (const fault of form.querySelectorAll(".fault")) fault.textContent = "";
}
