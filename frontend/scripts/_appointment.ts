// The panel that shows an appointment: status changes, notes, rescheduling and cancelling.
import { callApi, Refused } from "./_api";
import {
  type Appointment,
  config,
  doctorName,
  findAppointment,
  formatMoment,
  get,
  onRefresh,
  refresh,
  setValue,
  valueOf,
  within,
  words,
} from "./_board";
import { readDraft, writeDraft } from "./_drafts";
import { openPanel, showAvatar, showRecord } from "./_panel";
import { attempt, clearRefusal, type RefusalTarget } from "./_refusal";
import { canTake, isEarly, nextStep, pathOf, statusName, takeStep, undoStep } from "./_steps";
import { announce } from "./_toast";
import { dateOf, timeOf } from "./_zone";

/** The appointment in the open panel. */
export let current: Appointment | undefined;
export const panel = get<HTMLDialogElement>("appointment");
const refusal = within(panel, "[data-refusal]");
const moving = get<HTMLDetailsElement>("moving");
/** Callbacks to run when the panel shows an appointment, after its fields have changed, and when it closes. */
export const onShow: (() => void)[] = [];
const show = (): void => {
  for (const callback of onShow) callback();
};
const cancelling = get<HTMLDetailsElement>("cancelling");
const FIELDS = ["notes", "move-date", "move-time", "move-doctor", "reason"];
export const target: RefusalTarget = {
  place: refusal,
  fields: { staffNotes: "notes", startTime: "move-time", doctorId: "move-doctor", reason: "reason" },
  onChanged: () => {
    const changed = current && findAppointment(current.id);
    if (changed) fill(changed);
  },
};

export const ifMatch = (appointment: Appointment): Record<string, string> => ({
  "If-Match": `"v${appointment.version}"`,
});
const isTyped = (id: string): boolean => get(id).hasAttribute("data-typed");

/** Show an appointment, but keep what the user is typing. Notes that someone else has saved appear next to it. */
function fill(appointment: Appointment): void {
  const conflict = within(panel, "[data-conflict]");
  if (!isTyped("notes")) conflict.hidden = true;
  else if (appointment.staffNotes !== current?.staffNotes) {
    conflict.hidden = false;
    within(conflict, "q").textContent = appointment.staffNotes ?? "";
  }
  current = appointment;
  const patient = within<HTMLAnchorElement>(panel, "[data-patient]");
  patient.textContent = appointment.patient;
  if (config.seePatients && appointment.customerId)
    patient.href = `/staff/${config.clinic}/patients/${appointment.customerId}`;
  else patient.removeAttribute("href");
  showAvatar(panel, appointment.patient);
  const [start, end] = [new Date(appointment.startTime), new Date(appointment.endTime)];
  within(panel, ".slot").className = `slot hue-${appointment.hue ?? "none"}`;
  within(panel, "[data-when]").textContent = formatMoment(start, end);
  within(panel, "[data-with]").textContent = doctorName(appointment.doctorId);
  within(panel, "[data-type]").textContent = appointment.type ?? "";
  const patientNotes = within(panel, "[data-patient-notes]");
  patientNotes.hidden = !appointment.notes;
  within(patientNotes, "p").textContent = appointment.notes ?? "";
  const status = within(panel, "[data-status]");
  status.textContent = statusName(appointment);
  status.className = `badge ${appointment.status}`;
  within(panel, "[data-video]").hidden = !appointment.hasCall;
  within<HTMLAnchorElement>(panel, "[data-call]").href = `/staff/${config.clinic}/appointments/${appointment.id}/call`;
  within(panel, "[data-first]").hidden = !appointment.isFirst;
  within(panel, "[data-rebook]").hidden = !appointment.needsRebooking;
  within(panel, "[data-reason]").textContent = appointment.cancelReason ?? "";
  for (const button of panel.querySelectorAll<HTMLElement>("[data-step]"))
    button.hidden = !canTake(appointment, button.dataset.step!);
  const next = nextStep(appointment);
  for (const button of panel.querySelectorAll<HTMLElement>("[data-step]"))
    button.classList.toggle("next", button.dataset.step === next);
  within(panel, "[data-early]").hidden = !isEarly(appointment) || !config.run;
  const values = {
    notes: appointment.staffNotes ?? "",
    "move-date": dateOf(appointment.start),
    "move-time": timeOf(appointment.start),
    "move-doctor": appointment.doctorId,
  };
  for (const [id, text] of Object.entries(values)) if (!isTyped(id)) setValue(id, text);
  moving.hidden = !appointment.movable;
  cancelling.hidden = !appointment.steps.includes("cancel");
  show();
}

/** Mark a form's fields as untouched. */
export function markUntouched(form: Element): void {
  for (const field of form.querySelectorAll("[data-typed]")) field.removeAttribute("data-typed");
  saveDraft();
}

/** Keep what the user has typed, even if the panel closes or the page is reloaded. */
export function saveDraft(): void {
  const typed = FIELDS.filter(isTyped).map((id) => [id, valueOf(id)] as const);
  if (current) writeDraft(current.id, typed.length ? Object.fromEntries(typed) : undefined);
}

function restoreDraft(id: string): void {
  const draft = readDraft<Record<string, string>>(id) ?? {};
  for (const [field, text] of Object.entries(draft)) {
    setValue(field, text);
    get(field).setAttribute("data-typed", "");
  }
  moving.open = Object.keys(draft).some((field) => field.startsWith("move-"));
  cancelling.open = "reason" in draft;
}

export function openAppointment(id: string): boolean {
  const appointment = findAppointment(id);
  if (!appointment) return false;
  clearRefusal(refusal);
  current = undefined;
  for (const field of panel.querySelectorAll("[data-typed]")) field.removeAttribute("data-typed");
  setValue("reason", "");
  fill(appointment);
  restoreDraft(id);
  void showRecord(panel, appointment.customerId, id);
  openPanel(panel);
  show();
  within(panel, "h2").focus();
  return true;
}

/** The id of the appointment in the open panel. */
export const openAppointmentId = (): string | undefined => current?.id;

/** Open an appointment's form for moving or cancelling it. */
export function openForm(id: string, form: "moving" | "cancelling"): void {
  if (!openAppointment(id)) return;
  const details = get<HTMLDetailsElement>(form);
  if (details.hidden) return;
  details.open = true;
  within<HTMLElement>(details, "input").focus();
}

panel.addEventListener("input", (event) => {
  (event.target as Element).setAttribute("data-typed", "");
  saveDraft();
  show();
});
panel.addEventListener("close", () => {
  if (current && readDraft(current.id)) announce(words["kept"]!);
  current = undefined;
  show();
});
onRefresh.push(() => {
  const refreshed = current && findAppointment(current.id);
  // a call changes without its appointment
  if (!refreshed || (["version", "hasCall", "callEnded"] as const).every((each) => refreshed[each] === current?.[each]))
    return;
  if (!panel.querySelector("[data-typed]")) fill(refreshed);
});

/** Refresh the board, and show the updated appointment. */
export async function finish(form?: HTMLElement): Promise<void> {
  const id = current?.id;
  if (form) markUntouched(form);
  await refresh();
  const refreshed = id && findAppointment(id);
  if (refreshed && panel.open) fill(refreshed);
  else panel.close();
}

/** Take a step for the open appointment. If it is on another day, ask first. */
async function takeOpenStep(step: string, isConfirmed = false): Promise<void> {
  const appointment = current!;
  if (appointment.stepsToConfirm.includes(step) && !isConfirmed) {
    askAboutOtherDay(appointment, step);
    return;
  }
  if (!(await attempt(() => takeStep(appointment, step), target))) return;
  await finish();
  if (within(panel, `[data-step="${step}"]`).hidden)
    panel.querySelector<HTMLElement>("[data-step]:not([hidden])")?.focus();
}

function askAboutOtherDay({ patient, startTime }: Appointment, step: string): void {
  clearRefusal(refusal);
  const question = get<HTMLTemplateElement>("other-day").content.cloneNode(true) as DocumentFragment;
  const time = formatMoment(new Date(startTime));
  within(question, "[data-title]").textContent = words["otherDay"]!.replace("{patient}", patient).replace(
    "{time}",
    time,
  );
  const go = within<HTMLElement>(question, "[data-continue]");
  go.addEventListener("click", () => void takeOpenStep(step, true));
  const reschedule = within<HTMLElement>(question, "[data-reschedule]");
  reschedule.hidden = moving.hidden;
  reschedule.addEventListener("click", () => {
    clearRefusal(refusal);
    moving.open = true;
    within<HTMLElement>(moving, "summary").focus();
  });
  refusal.replaceChildren(question);
  refusal.scrollIntoView({ block: "nearest" });
  go.focus();
}

/** Take a step outside the panel, and announce any refusal. If the appointment is on another day, ask in its panel. */
export async function takeStepQuickly(id: string, step: string): Promise<void> {
  const appointment = findAppointment(id);
  if (!appointment || !canTake(appointment, step)) return;
  if (appointment.stepsToConfirm.includes(step)) {
    if (openAppointment(id)) askAboutOtherDay(appointment, step);
    return;
  }
  try {
    await takeStep(appointment, step);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    await refresh();
    announce(error.message);
  }
}

for (const button of panel.querySelectorAll<HTMLElement>("[data-step]"))
  button.addEventListener("click", () => void takeOpenStep(button.dataset.step!));

get("noting").addEventListener("submit", async (event) => {
  event.preventDefault();
  const appointment = current!;
  const staffNotes = valueOf("notes").trim() || null;
  const save = (): Promise<unknown> => callApi("PATCH", pathOf(appointment), { staffNotes }, ifMatch(appointment));
  if (!(await attempt(save, target))) return;
  await finish(get("noting"));
  announce(words["saved"]!);
});

async function cancel(): Promise<void> {
  const appointment = current!;
  const reason = valueOf("reason").trim();
  const path = pathOf(appointment) + (reason ? `?${new URLSearchParams({ reason })}` : "");
  if (!(await attempt(() => callApi("DELETE", path, undefined, ifMatch(appointment)), target))) return;
  await finish(cancelling);
  announce(`${appointment.patient}: ${words["cancelled"]}`, { undo: () => undoStep(appointment.id) });
}
within(cancelling, "form").addEventListener("submit", (event) => {
  event.preventDefault();
  void cancel();
});
