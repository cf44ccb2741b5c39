// The dialog of an appointment: status changes, notes, rescheduling and cancelling.
import type { Calendar } from "@event-calendar/core";
import { ask, Refused } from "./_api";
import { about, type Answered, type Appointment, board, doctorName, find, get, looked, moment, refresh, say, setValue, value, wall, within, words } from "./_board";
import { attempt, clear, refuse, startOf, type Way } from "./_refusal";
import { later } from "./_zone";

let opened: Appointment | undefined;
const sheet = get<HTMLDialogElement>("appointment");
const refusal = within(sheet, "[data-refusal]");
const told: Way = {
  place: refusal,
  fields: { notes: "notes", startTime: "move-time", doctorId: "move-doctor", reason: "reason" },
  changed: () => {
    const now = opened && find(opened.id);
    if (now) fill(now);
  },
};
const matching = (each: Appointment): Record<string, string> => ({ "If-Match": `"v${each.version}"` });

const isTyped = (id: string): boolean => get(id).hasAttribute("data-typed");

/** Show the current appointment, but keep what the user is typing. Notes saved by someone else are shown next to typed ones. */
function fill(each: Appointment): void {
  const theirs = within(sheet, "[data-theirs]");
  if (!isTyped("notes")) theirs.hidden = true;
  else if (each.notes !== opened?.notes) {
    theirs.hidden = false;
    within(theirs, "q").textContent = each.notes ?? "";
  }
  opened = each;
  const patient = within<HTMLAnchorElement>(sheet, "[data-patient]");
  patient.textContent = each.patient;
  if (about.seePatients) patient.href = `/staff/${about.clinic}/patients/${each.customerId}`;
  within(sheet, "[data-when]").textContent = moment(new Date(each.startTime), new Date(each.endTime));
  within(sheet, "[data-with]").textContent = doctorName(each.doctorId);
  within(sheet, "[data-type]").textContent = each.type ?? "–";
  const status = within(sheet, "[data-status]");
  status.textContent = about.statuses[each.status]!;
  status.className = `badge ${each.status}`;
  within(sheet, "[data-rebook]").hidden = !each.needsRebooking;
  within(sheet, "[data-reason]").textContent = each.cancelReason ?? "";
  const started = new Date(each.startTime).getTime() <= Date.now();
  sheet.querySelectorAll<HTMLElement>("[data-step]").forEach((button) => {
    button.hidden = !each.steps.includes(button.dataset.step!) || (button.dataset.step === "noShow" && !started);
  });
  const values = { notes: each.notes ?? "", "move-date": each.start.slice(0, 10), "move-time": each.start.slice(11, 16), "move-doctor": each.doctorId };
  for (const [id, text] of Object.entries(values)) if (!isTyped(id)) setValue(id, text);
  get("moving").hidden = !each.movable;
  get("cancelling").hidden = !each.steps.includes("cancel");
}

/** Mark the fields of a form as untouched. */
const forget = (form: Element): void => form.querySelectorAll("[data-typed]").forEach((typed) => typed.removeAttribute("data-typed"));

export function open(id: string): void {
  const each = find(id);
  if (!each) return;
  clear(refusal);
  forget(sheet);
  sheet.querySelectorAll("details").forEach((details) => (details.open = false));
  setValue("reason", "");
  fill(each);
  if (!sheet.open) sheet.showModal();
}
sheet.addEventListener("input", (event) => (event.target as Element).setAttribute("data-typed", ""));
looked.push(() => {
  const now = opened && find(opened.id);
  if (opened && now && now.version !== opened.version && !sheet.querySelector("[data-typed]")) fill(now);
});
sheet.addEventListener("close", () => (opened = undefined));

/** Refresh the board, and show the current appointment. */
async function done(text: string, form?: HTMLElement): Promise<void> {
  const id = opened?.id;
  if (form) forget(form);
  await refresh();
  say(text);
  const now = id && find(id);
  if (now && sheet.open) fill(now);
  else sheet.close();
}

sheet.querySelectorAll<HTMLElement>("[data-step]").forEach((button) =>
  button.addEventListener("click", async () => {
    const each = opened!;
    if (await attempt(() => ask("POST", `/api/appointments/${each.id}/${button.dataset.step}`), told)) {
      await done(words["saved"]!);
      sheet.querySelector<HTMLElement>("[data-step]:not([hidden])")?.focus();
    }
  }),
);

get("noting").addEventListener("submit", async (event) => {
  event.preventDefault();
  const each = opened!;
  const notes = value("notes").trim() || null;
  if (await attempt(() => ask("PATCH", `/api/appointments/${each.id}`, { notes }, matching(each)), told)) await done(words["saved"]!, get("noting"));
});

async function cancel(override?: { allow: string[]; reason: string }): Promise<void> {
  const each = opened!;
  const query = new URLSearchParams();
  if (value("reason").trim()) query.set("reason", value("reason").trim());
  if (override) {
    query.set("override", "too-late");
    query.set("overrideReason", override.reason);
  }
  const way = { ...told, aside: (allow: string[], reason: string) => void cancel({ allow, reason }) };
  if (await attempt(() => ask("DELETE", `/api/appointments/${each.id}${query.size ? `?${query}` : ""}`, undefined, matching(each)), way)) await done(words["cancelled"]!, get("cancelling"));
}
within(get("cancelling"), "form").addEventListener("submit", (event) => {
  event.preventDefault();
  void cancel();
});

/** Move the open appointment. If it leaves the shown days, go to its new day. */
async function move(each: Appointment, to: string, doctorId: string, override?: { allow: string[]; reason: string }): Promise<void> {
  const way = {
    ...told, allowed: override?.allow ?? [],
    alternative: (start: string, doctor: string) => void move(each, wall(start), doctor),
    aside: (allow: string[], reason: string) => void move(each, to, doctorId, { allow, reason }),
  };
  const moved = async (): Promise<unknown> => ask<Answered>("PUT", `/api/appointments/${each.id}`, { startTime: startOf(to, doctorId), doctorId, ...(override ? { override } : {}) }, matching(each));
  if (!(await attempt(moved, way))) return;
  const day = to.slice(0, 10);
  if (day < board.first || day > board.last) location.assign(`/staff/${about.clinic}/${about.view}?date=${day}&appointment=${each.id}`);
  else await done(words["moved"]!, get("moving"));
}
within(get("moving"), "form").addEventListener("submit", (event) => {
  event.preventDefault();
  void move(opened!, `${value("move-date")}T${value("move-time")}`, value("move-doctor"));
});

/** Move a dropped appointment. If that is refused, put it back and explain in its dialog. */
export async function dropped(drop: Calendar.EventDropInfo): Promise<void> {
  const each = find(String(drop.event.id))!;
  const to = later(each.start, drop.delta.days * 1440 + drop.delta.seconds / 60);
  const doctorId = drop.newResource?.id ?? each.doctorId;
  try {
    await ask<Answered>("PUT", `/api/appointments/${each.id}`, { startTime: startOf(to, doctorId), doctorId }, matching(each));
    say(`${each.patient}: ${words["moved"]}`);
    await refresh();
  } catch (refused) {
    drop.revert();
    if (!(refused instanceof Refused)) throw refused;
    await refresh();
    open(each.id);
    setValue("move-date", to.slice(0, 10));
    setValue("move-time", to.slice(11, 16));
    setValue("move-doctor", doctorId);
    get<HTMLDetailsElement>("moving").open = true;
    const { problem } = refused;
    if (problem.status === 412) return refuse({ ...problem, title: words["changed"]!, detail: "" }, told);
    refuse(problem, {
      ...told,
      alternative: (start, doctor) => void move(find(each.id) ?? each, wall(start), doctor),
      aside: (allow, reason) => void move(find(each.id) ?? each, to, doctorId, { allow, reason }),
    });
  }
}
