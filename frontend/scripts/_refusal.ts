// Shows refusals in a dialog: the reason, alternatives, and an override.
import { createElement, type Problem, Refused, signInLink } from "./_api";
import { clockFormat, config, doctorName, formatMoment, get, refresh, within, words, zone } from "./_board";
import { instantOf, wallOf } from "./_zone";

const OVERRIDABLE = ["too-soon", "too-far", "outside-hours", "customer-busy", "too-late"];

/** Where a dialog shows refusals, and how the user can continue. */
export interface RefusalTarget {
  place: Element;
  /** The id of the control for each member of the request. */
  fields: Record<string, string>;
  onAlternative?: (startTime: string, doctorId: string) => void;
  onOverride?: (allow: string[], reason: string) => void;
  /** The rules that the user has already overridden. */
  allowed?: string[];
  /** Called when the appointment has changed in the meantime. */
  onChanged?: () => void;
}

/** Show a fault next to its field. Returns whether the field is visible. */
function showFault(id = "", text: string): boolean {
  const control = document.getElementById(id);
  if (!control?.offsetParent) return false;
  let fault = document.getElementById(`${id}-fault`);
  if (!fault) {
    fault = createElement("span", { class: "fault", id: `${id}-fault` });
    control.after(fault);
    const description = `${control.getAttribute("aria-describedby") ?? ""} ${id}-fault`;
    control.setAttribute("aria-describedby", description.trim());
  }
  fault.textContent = text;
  control.setAttribute("aria-invalid", "true");
  return true;
}

export function clearRefusal(place: Element): void {
  place.replaceChildren();
  const dialog = place.closest("dialog")!;
  for (const fault of dialog.querySelectorAll(".fault")) fault.textContent = "";
  for (const control of dialog.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
}

/** Return a wall time's instant. If the clocks skip that time, throws `Refused` with the next one that exists. */
export function startInstant(wall: string, doctorId: string): string {
  const instant = instantOf(wall, zone);
  if (wallOf(instant, zone) === wall) return instant.toISOString();
  throw new Refused({
    title: words["skipped"]!.replace("{time}", clockFormat.format(new Date(`${wall}Z`))),
    detail: "",
    status: 0,
    alternatives: [{ startTime: instant.toISOString(), endTime: "", doctorId }],
  });
}

export function showRefusal(problem: Problem, target: RefusalTarget): void {
  clearRefusal(target.place);
  const fragment = get<HTMLTemplateElement>("refusal").content.cloneNode(true) as DocumentFragment;
  const notice = fragment.firstElementChild!;
  within(notice, "[data-title]").textContent = problem.title;
  within(notice, "[data-detail]").textContent = detailOf(problem, target);
  if (problem.status === 401) notice.append(createElement("p", {}, signInLink()));
  offerAlternatives(notice, problem, target);
  offerOverride(notice, problem, target);
  target.place.replaceChildren(fragment);
  target.place.scrollIntoView({ block: "nearest" });
  const dialog = target.place.closest("dialog")!;
  const invalid = dialog.querySelector<HTMLElement>("[aria-invalid]");
  // the field that had the focus may be gone, such as a new patient's name once they are registered
  if (invalid || !dialog.contains(document.activeElement)) (invalid ?? within(target.place, "[tabindex]")).focus();
}

/** Show the faults of visible fields next to them, and return the rest. */
function detailOf(problem: Problem, target: RefusalTarget): string {
  const faults = problem.errors ?? [];
  if (!faults.length) return problem.detail === problem.title ? "" : problem.detail;
  return faults
    .filter(({ pointer, detail }) => !showFault(target.fields[pointer.replace(/^(#\/|\?)/, "")], detail))
    .map(({ detail }) => detail)
    .join("; ");
}

function offerAlternatives(notice: Element, problem: Problem, { onAlternative }: RefusalTarget): void {
  if (!onAlternative) return;
  const items = (problem.alternatives ?? []).map(({ startTime, doctorId }) => {
    const doctor = createElement("small", {}, doctorName(doctorId));
    const button = createElement("button", { type: "button" }, formatMoment(new Date(startTime)), doctor);
    button.addEventListener("click", () => onAlternative(startTime, doctorId));
    return createElement("li", {}, button);
  });
  within(notice, "[data-alternatives]").append(...items);
}

function offerOverride(notice: Element, problem: Problem, { onOverride, allowed = [] }: RefusalTarget): void {
  const rule = problem.reason ?? "";
  if (!onOverride || !config.override || !OVERRIDABLE.includes(rule)) return;
  const form = within<HTMLFormElement>(notice, "[data-override]");
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    onOverride([...allowed, rule], within<HTMLInputElement>(form, "input").value.trim());
  });
}

/** Run an action while the dialog is marked busy, and show a refusal. Resolves to whether the action succeeded. */
export async function attempt(action: () => Promise<unknown>, target: RefusalTarget): Promise<boolean> {
  const dialog = target.place.closest("dialog")!;
  if (dialog.hasAttribute("aria-busy")) return false;
  dialog.setAttribute("aria-busy", "true");
  try {
    await action();
    clearRefusal(target.place);
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { problem } = error;
    await refresh();
    if (problem.status === 412 || problem.reason === "wrong-status") {
      target.onChanged?.();
      showRefusal(changedProblem(problem), { place: target.place, fields: {} });
    } else showRefusal(problem, target);
    return false;
  } finally {
    dialog.removeAttribute("aria-busy");
  }
}

/** Return the problem to show when the appointment has changed in the meantime. */
export function changedProblem(problem: Problem): Problem {
  return { ...problem, title: words["changed"]!, detail: problem.status === 412 ? "" : problem.detail };
}
