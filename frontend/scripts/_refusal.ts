// Shows refusals: the reason, alternatives, and an override.
import { element, Refused, signIn, type Problem } from "./_api";
import { about, clock, doctorName, get, moment, refresh, within, words, zone } from "./_board";
import { instantOf, wallOf } from "./_zone";

const ASIDE = ["too-soon", "too-far", "outside-hours", "customer-busy", "too-late"];

/** Where a refusal is told, which field a member of the body has, and the ways on: another time, the rule set aside (beside those that were before), or what somebody else made of it. */
export interface Way {
  place: Element;
  fields: Record<string, string>;
  alternative?: (startTime: string, doctorId: string) => void;
  aside?: (allow: string[], reason: string) => void;
  allowed?: string[];
  changed?: () => void;
}

/** Show a fault next to its field; returns whether the field is visible. */
function fault(id = "", text: string): boolean {
  const control = document.getElementById(id);
  if (!control?.offsetParent) return false;
  let spot = document.getElementById(`${id}-fault`);
  if (!spot) {
    control.after((spot = element("span", { class: "fault", id: `${id}-fault` })));
    control.setAttribute("aria-describedby", `${control.getAttribute("aria-describedby") ?? ""} ${id}-fault`.trim());
  }
  spot.textContent = text;
  control.setAttribute("aria-invalid", "true");
  return true;
}

export function clear(place: Element): void {
  place.replaceChildren();
  const dialog = place.closest("dialog")!;
  dialog.querySelectorAll(".fault").forEach((each) => (each.textContent = ""));
  dialog.querySelectorAll("[aria-invalid]").forEach((each) => each.removeAttribute("aria-invalid"));
}

/** The instant at which clocks show the time. Throws `Refused` for one that they skip on its day, with what they show instead. */
export function startOf(at: string, doctorId: string): string {
  const instant = instantOf(at, zone);
  if (wallOf(instant, zone) === at) return instant.toISOString();
  const shown = { startTime: instant.toISOString(), endTime: "", doctorId };
  throw new Refused({ title: words["skipped"]!.replace("{time}", clock.format(new Date(`${at}Z`))), detail: "", status: 0, alternatives: [shown] });
}

export function refuse(problem: Problem, way: Way): void {
  clear(way.place);
  const made = get<HTMLTemplateElement>("refusal").content.cloneNode(true) as DocumentFragment;
  within(made.firstElementChild!, "[data-title]").textContent = problem.title;
  const faults = problem.errors ?? [];
  const left = faults.filter((each) => !fault(way.fields[each.pointer.replace(/^(#\/|\?)/, "")], each.detail)).map((each) => each.detail);
  within(made.firstElementChild!, "[data-detail]").textContent = faults.length ? left.join("; ") : problem.detail === problem.title ? "" : problem.detail;
  if (problem.status === 401) made.firstElementChild!.append(element("p", {}, signIn()));
  const { alternative, aside } = way;
  if (alternative)
    within(made.firstElementChild!, "[data-alternatives]").append(
      ...(problem.alternatives ?? []).map((each) => {
        const button = element("button", { type: "button" }, moment(new Date(each.startTime)), element("small", {}, doctorName(each.doctorId)));
        button.addEventListener("click", () => alternative(each.startTime, each.doctorId));
        return element("li", {}, button);
      }),
    );
  const reason = problem.reason ?? "";
  if (aside && about.override && ASIDE.includes(reason)) {
    const form = within<HTMLFormElement>(made.firstElementChild!, "[data-override]");
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      aside([...(way.allowed ?? []), reason], within<HTMLInputElement>(form, "input").value.trim());
    });
  }
  way.place.replaceChildren(made);
  way.place.scrollIntoView({ block: "nearest" });
  way.place.closest("dialog")!.querySelector<HTMLElement>("[aria-invalid]")?.focus();
}

/** Run an action with the dialog marked busy, and show a refusal; resolves to whether it succeeded. */
export async function attempt(does: () => Promise<unknown>, way: Way): Promise<boolean> {
  const dialog = way.place.closest("dialog")!;
  if (dialog.hasAttribute("aria-busy")) return false;
  dialog.setAttribute("aria-busy", "true");
  try {
    await does();
    clear(way.place);
    return true;
  } catch (refusal) {
    if (!(refusal instanceof Refused)) throw refusal;
    const { problem } = refusal;
    await refresh();
    if (problem.status === 412 || problem.reason === "wrong-status") {
      way.changed?.();
      refuse({ ...problem, title: words["changed"]!, detail: problem.status === 412 ? "" : problem.detail }, { place: way.place, fields: {} });
    } else refuse(problem, way);
    return false;
  } finally {
    dialog.removeAttribute("aria-busy");
  }
}
