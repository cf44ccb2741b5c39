// The appointment dialog: status changes, notes, rescheduling and cancelling.
import type { Calendar } from "@event-calendar/core";
import { callApi, type Override, Refused } from "./_api";
import {
  type Appointment,
  announce,
  board,
  boardAddress,
  config,
  doctorName,
  findAppointment,
  formatMoment,
  get,
  onRefresh,
  refresh,
  setValue,
  valueOf,
  wallTime,
  within,
  words,
} from "./_board";
import { attempt, changedProblem, clearRefusal, type RefusalTarget, showRefusal, startInstant } from "./_refusal";
import { addMinutes, dateOf, timeOf } from "./_zone";

/** The appointment in the open dialog. */
let current: Appointment | undefined;
const dialog = get<HTMLDialogElement>("appointment");
const refusal = within(dialog, "[data-refusal]");
const target: RefusalTarget = {
  place: refusal,
  fields: { notes: "notes", startTime: "move-time", doctorId: "move-doctor", reason: "reason" },
  onChanged: () => {
    const changed = current && findAppointment(current.id);
    if (changed) fill(changed);
  },
};

const pathOf = (appointment: Appointment): string => `/api/appointments/${appointment.id}`;
const ifMatch = (appointment: Appointment): Record<string, string> => ({ "If-Match": `"v${appointment.version}"` });
const isTyped = (id: string): boolean => get(id).hasAttribute("data-typed");

/** Return whether a step has to wait: a no-show for the start, and a completed visit for its day. */
function isTooEarly(appointment: Appointment, step: string): boolean {
  if (step === "noShow") return new Date(appointment.startTime).getTime() > Date.now();
  return step === "fulfil" && dateOf(appointment.start) > board.today;
}

/** Show an appointment, but keep what the user is typing. Notes that someone else has saved appear beside it. */
function fill(appointment: Appointment): void {
  const conflict = within(dialog, "[data-conflict]");
  if (!isTyped("notes")) conflict.hidden = true;
  else if (appointment.notes !== current?.notes) {
    conflict.hidden = false;
    within(conflict, "q").textContent = appointment.notes ?? "";
  }
  current = appointment;
  const patient = within<HTMLAnchorElement>(dialog, "[data-patient]");
  patient.textContent = appointment.patient;
  if (config.seePatients && appointment.customerId)
    patient.href = `/staff/${config.clinic}/patients/${appointment.customerId}`;
  else patient.removeAttribute("href");
  const [start, end] = [new Date(appointment.startTime), new Date(appointment.endTime)];
  within(dialog, "[data-when]").textContent = formatMoment(start, end);
  within(dialog, "[data-with]").textContent = doctorName(appointment.doctorId);
  within(dialog, "[data-type]").textContent = appointment.type ?? "–";
  const status = within(dialog, "[data-status]");
  status.textContent = config.statuses[appointment.status]!;
  status.className = `badge ${appointment.status}`;
  within(dialog, "[data-rebook]").hidden = !appointment.needsRebooking;
  within(dialog, "[data-reason]").textContent = appointment.cancelReason ?? "";
  for (const button of dialog.querySelectorAll<HTMLElement>("[data-step]")) {
    const step = button.dataset.step!;
    button.hidden = !appointment.steps.includes(step) || isTooEarly(appointment, step);
  }
  const values = {
    notes: appointment.notes ?? "",
    "move-date": dateOf(appointment.start),
    "move-time": timeOf(appointment.start),
    "move-doctor": appointment.doctorId,
  };
  for (const [id, text] of Object.entries(values)) if (!isTyped(id)) setValue(id, text);
  get("moving").hidden = !appointment.movable;
  get("cancelling").hidden = !appointment.steps.includes("cancel");
}

/** Mark a form's fields as untouched. */
function markUntouched(form: Element): void {
  for (const field of form.querySelectorAll("[data-typed]")) field.removeAttribute("data-typed");
}

export function openAppointment(id: string): void {
  const appointment = findAppointment(id);
  if (!appointment) return;
  clearRefusal(refusal);
  markUntouched(dialog);
  for (const details of dialog.querySelectorAll("details")) details.open = false;
  setValue("reason", "");
  fill(appointment);
  if (!dialog.open) dialog.showModal();
}

dialog.addEventListener("input", (event) => (event.target as Element).setAttribute("data-typed", ""));
dialog.addEventListener("close", () => (current = undefined));
onRefresh.push(() => {
  const refreshed = current && findAppointment(current.id);
  if (!refreshed || refreshed.version === current?.version) return;
  if (!dialog.querySelector("[data-typed]")) fill(refreshed);
});

/** Refresh the board, announce what was done, and show the updated appointment. */
async function finish(text: string, form?: HTMLElement): Promise<void> {
  const id = current?.id;
  if (form) markUntouched(form);
  await refresh();
  announce(text);
  const refreshed = id && findAppointment(id);
  if (refreshed && dialog.open) fill(refreshed);
  else dialog.close();
}

for (const button of dialog.querySelectorAll<HTMLElement>("[data-step]"))
  button.addEventListener("click", async () => {
    const path = `${pathOf(current!)}/${button.dataset.step}`;
    if (!(await attempt(() => callApi("POST", path), target))) return;
    await finish(words["saved"]!);
    dialog.querySelector<HTMLElement>("[data-step]:not([hidden])")?.focus();
  });

get("noting").addEventListener("submit", async (event) => {
  event.preventDefault();
  const appointment = current!;
  const notes = valueOf("notes").trim() || null;
  const save = (): Promise<unknown> => callApi("PATCH", pathOf(appointment), { notes }, ifMatch(appointment));
  if (await attempt(save, target)) await finish(words["saved"]!, get("noting"));
});

async function cancel(override?: Override): Promise<void> {
  const appointment = current!;
  const query = new URLSearchParams();
  if (valueOf("reason").trim()) query.set("reason", valueOf("reason").trim());
  if (override) {
    query.set("override", "too-late");
    query.set("overrideReason", override.reason);
  }
  const path = pathOf(appointment) + (query.size ? `?${query}` : "");
  const succeeded = await attempt(() => callApi("DELETE", path, undefined, ifMatch(appointment)), {
    ...target,
    onOverride: (allow, reason) => void cancel({ allow, reason }),
  });
  if (succeeded) await finish(words["cancelled"]!, get("cancelling"));
}
within(get("cancelling"), "form").addEventListener("submit", (event) => {
  event.preventDefault();
  void cancel();
});

function reschedule(appointment: Appointment, wall: string, doctorId: string, override?: Override): Promise<unknown> {
  const content = { startTime: startInstant(wall, doctorId), doctorId, ...(override ? { override } : {}) };
  return callApi("PUT", pathOf(appointment), content, ifMatch(appointment));
}

/** Move the open appointment. If that takes it off the board, go to its new day. */
async function move(appointment: Appointment, wall: string, doctorId: string, override?: Override): Promise<void> {
  const succeeded = await attempt(async () => reschedule(appointment, wall, doctorId, override), {
    ...target,
    allowed: override?.allow ?? [],
    ...waysToMove(() => appointment, wall, doctorId),
  });
  if (!succeeded) return;
  const day = dateOf(wall);
  if (day < board.first || day > board.last) location.assign(`${boardAddress(day)}&appointment=${appointment.id}`);
  else await finish(words["moved"]!, get("moving"));
}

/** How the user can continue after a refused move: with another time or an override. */
function waysToMove(
  appointment: () => Appointment,
  wall: string,
  doctorId: string,
): Pick<RefusalTarget, "onAlternative" | "onOverride"> {
  return {
    onAlternative: (startTime, otherDoctorId) => void move(appointment(), wallTime(startTime), otherDoctorId),
    onOverride: (allow, reason) => void move(appointment(), wall, doctorId, { allow, reason }),
  };
}
within(get("moving"), "form").addEventListener("submit", (event) => {
  event.preventDefault();
  void move(current!, `${valueOf("move-date")}T${valueOf("move-time")}`, valueOf("move-doctor"));
});

/** Move a dropped appointment. If the move is refused, put it back and explain why in its dialog. */
export async function moveDropped(drop: Calendar.EventDropInfo): Promise<void> {
  const appointment = findAppointment(String(drop.event.id))!;
  const wall = addMinutes(appointment.start, drop.delta.days * 1440 + drop.delta.seconds / 60);
  const doctorId = drop.newResource?.id ?? appointment.doctorId;
  try {
    await reschedule(appointment, wall, doctorId);
    announce(`${appointment.patient}: ${words["moved"]}`);
    await refresh();
  } catch (error) {
    drop.revert();
    if (!(error instanceof Refused)) throw error;
    await refresh();
    openAppointment(appointment.id);
    setValue("move-date", dateOf(wall));
    setValue("move-time", timeOf(wall));
    setValue("move-doctor", doctorId);
    get<HTMLDetailsElement>("moving").open = true;
    const { problem } = error;
    if (problem.status === 412) return showRefusal(changedProblem(problem), target);
    const latest = (): Appointment => findAppointment(appointment.id) ?? appointment;
    showRefusal(problem, { ...target, ...waysToMove(latest, wall, doctorId) });
  }
}
