// Refusals: why, what else there is, and whether it is done all the same.
import { element, Refused, type Problem } from "./_api";
import { about, doctorName, get, moment, refresh, within, words } from "./_board";

const ASIDE = ["too-soon", "too-far", "outside-hours", "customer-busy", "too-late"];

/** Where a refusal is told, and the ways on: another time, the rule set aside (beside those that were before), or what somebody else made of it. */
export interface Way {
  place: Element;
  alternative?: (startTime: string, doctorId: string) => void;
  aside?: (allow: string[], reason: string) => void;
  allowed?: string[];
  changed?: () => void;
}

export function refuse(problem: Problem, way: Way): void {
  const made = get<HTMLTemplateElement>("refusal").content.cloneNode(true) as DocumentFragment;
  within(made.firstElementChild!, "[data-title]").textContent = problem.title;
  const faults = (problem.errors ?? []).map((each) => `${each.pointer.replace("#/", "")}: ${each.detail}`);
  within(made.firstElementChild!, "[data-detail]").textContent = faults.length ? faults.join("; ") : problem.detail === problem.title ? "" : problem.detail;
  const { alternative, aside } = way;
  if (alternative)
    within(made.firstElementChild!, "[data-alternatives]").append(
      ...(problem.alternatives ?? []).map((each) => {
        const button = element("button", { type: "button" }, moment.format(new Date(each.startTime)), element("small", {}, doctorName(each.doctorId)));
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
}

/** Do something, with its dialog busy meanwhile; a refusal is told. Whether it was done. */
export async function attempt(does: () => Promise<unknown>, way: Way): Promise<boolean> {
  const dialog = way.place.closest("dialog")!;
  if (dialog.hasAttribute("aria-busy")) return false;
  dialog.setAttribute("aria-busy", "true");
  try {
    await does();
    way.place.replaceChildren();
    return true;
  } catch (refusal) {
    if (!(refusal instanceof Refused)) throw refusal;
    const { problem } = refusal;
    await refresh();
    if (problem.status === 412 || problem.reason === "wrong-status") {
      way.changed?.();
      refuse({ ...problem, title: words["changed"]!, detail: problem.status === 412 ? "" : problem.detail }, { place: way.place });
    } else refuse(problem, way);
    return false;
  } finally {
    dialog.removeAttribute("aria-busy");
  }
}
