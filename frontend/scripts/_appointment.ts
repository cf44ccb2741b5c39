// The panel that shows an appointment: status changes, notes, rescheduling and cancelling.
import { callApi, type Override } from "./_api";
import {
  type Appointment,
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
  showGhost,
  valueOf,
  wallTime,
  within,
  words,
} from "./_board";
import { readDraft, writeDraft } from "./_drafts";
import { openPanel, showAvatar, showRecord } from "./_panel";
import { attempt, clearRefusal, type RefusalTarget, startInstant } from "./_refusal";
import { canTake, pathOf, takeStep, undoStep } from "./_steps";
import { announce } from "./_toast";
import { dateOf, timeOf } from "./_zone";

/** The appointment in the open panel. */
let current: Appointment | undefined;
const panel = get<HTMLDialogElement>("appointment");
const refusal = within(panel, "[data-refusal]");
const moving = get<HTMLDetailsElement>("moving");
const cancelling = get<HTMLDetailsElement>("cancelling");
const FIELDS = ["notes", "move-date", "move-time", "move-doctor", "reason"];
export const target: RefusalTarget = {
  place: refusal,
  fields: { notes: "notes", startTime: "move-time", doctorId: "move-doctor", reason: "reason" },
  onChanged: () => {
    const changed = current && findAppointment(current.id);
    if (changed) fill(changed);
  },
};

const ifMatch = (appointment: Appointment): Record<string, string> => ({ "If-Match": `"v${appointment.version}"` });
const isTyped = (id: string): boolean => get(id).hasAttribute("data-typed");

/** Show an appointment, but keep what the user is typing. Notes that someone else has saved appear beside it. */
function fill(appointment: Appointment): void {
  const conflict = within(panel, "[data-conflict]");
  if (!isTyped("notes")) conflict.hidden = true;
  else if (appointment.notes !== current?.notes) {
    conflict.hidden = false;
    within(conflict, "q").textContent = appointment.notes ?? "";
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
  const status = within(panel, "[data-status]");
  status.textContent = config.statuses[appointment.status]!;
  status.className = `badge ${appointment.status}`;
  within(panel, "[data-rebook]").hidden = !appointment.needsRebooking;
  within(panel, "[data-reason]").textContent = appointment.cancelReason ?? "";
  for (const button of panel.querySelectorAll<HTMLElement>("[data-step]"))
    button.hidden = !canTake(appointment, button.dataset.step!);
  const values = {
    notes: appointment.notes ?? "",
    "move-date": dateOf(appointment.start),
    "move-time": timeOf(appointment.start),
    "move-doctor": appointment.doctorId,
  };
  for (const [id, text] of Object.entries(values)) if (!isTyped(id)) setValue(id, text);
  moving.hidden = !appointment.movable;
  cancelling.hidden = !appointment.steps.includes("cancel");
  showChosenTime();
}

/** Mark a form's fields as untouched. */
function markUntouched(form: Element): void {
  for (const field of form.querySelectorAll("[data-typed]")) field.removeAttribute("data-typed");
  saveDraft();
}

/** Keep what the user has typed, even if the panel closes or the page is loaded again. */
function saveDraft(): void {
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

/** Take a time that the user clicked on the board, if an appointment is being moved. */
export function chooseTime(wall: string, doctorId?: string): boolean {
  if (!panel.open || !moving.open || moving.hidden) return false;
  setTime(wall, doctorId || valueOf("move-doctor"));
  within<HTMLElement>(moving, "button").focus();
  return true;
}

/** Fill in a time. If the user chose it for another try, it is kept even after the panel closes. */
function setTime(wall: string, doctorId: string, isKept = true): void {
  for (const [id, text] of [
    ["move-date", dateOf(wall)],
    ["move-time", timeOf(wall)],
    ["move-doctor", doctorId],
  ] as const) {
    setValue(id, text);
    get(id).setAttribute("data-typed", "");
  }
  if (isKept) saveDraft();
  showChosenTime();
}

/** Show on the board where the appointment would go. */
function showChosenTime(): void {
  const [wall, doctorId] = [`${valueOf("move-date")}T${valueOf("move-time")}`, valueOf("move-doctor")];
  const isOther = current && (wall !== current.start.slice(0, 16) || doctorId !== current.doctorId);
  if (!current || !isOther || !panel.open || !moving.open || wall.length < 16) {
    showGhost();
    return;
  }
  const minutes = (Date.parse(current.endTime) - Date.parse(current.startTime)) / 60_000;
  showGhost({ wall, minutes, doctorId, hue: String(current.hue ?? ""), label: current.patient });
}
moving.addEventListener("toggle", showChosenTime);

panel.addEventListener("input", (event) => {
  (event.target as Element).setAttribute("data-typed", "");
  saveDraft();
  showChosenTime();
});
panel.addEventListener("close", () => {
  if (current && readDraft(current.id)) announce(words["kept"]!);
  current = undefined;
  showGhost();
});
onRefresh.push(() => {
  const refreshed = current && findAppointment(current.id);
  if (!refreshed || refreshed.version === current?.version) return;
  if (!panel.querySelector("[data-typed]")) fill(refreshed);
});

/** Refresh the board, and show the updated appointment. */
async function finish(form?: HTMLElement): Promise<void> {
  const id = current?.id;
  if (form) markUntouched(form);
  await refresh();
  const refreshed = id && findAppointment(id);
  if (refreshed && panel.open) fill(refreshed);
  else panel.close();
}

for (const button of panel.querySelectorAll<HTMLElement>("[data-step]"))
  button.addEventListener("click", async () => {
    const appointment = current!;
    if (!(await attempt(() => takeStep(appointment, button.dataset.step!), target))) return;
    await finish();
    if (button.hidden) panel.querySelector<HTMLElement>("[data-step]:not([hidden])")?.focus();
  });

get("noting").addEventListener("submit", async (event) => {
  event.preventDefault();
  const appointment = current!;
  const notes = valueOf("notes").trim() || null;
  const save = (): Promise<unknown> => callApi("PATCH", pathOf(appointment), { notes }, ifMatch(appointment));
  if (!(await attempt(save, target))) return;
  await finish(get("noting"));
  announce(words["saved"]!);
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
  if (!succeeded) return;
  await finish(cancelling);
  announce(`${appointment.patient}: ${words["cancelled"]}`, () => undoStep(appointment.id));
}
within(cancelling, "form").addEventListener("submit", (event) => {
  event.preventDefault();
  void cancel();
});

export function reschedule(
  appointment: Appointment,
  wall: string,
  doctorId: string,
  override?: Override,
): Promise<unknown> {
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
  markUntouched(moving);
  if (day < board.first || day > board.last)
    return location.assign(`${boardAddress(day)}&appointment=${appointment.id}`);
  moving.open = false;
  await finish();
  announce(`${appointment.patient}: ${words["moved"]}`);
}

/** How the user can continue after a refused move: with another time or an override. */
export function waysToMove(
  appointment: () => Appointment,
  wall: string,
  doctorId: string,
): Pick<RefusalTarget, "onAlternative" | "onOverride"> {
  return {
    onAlternative: (startTime, otherDoctorId) => void move(appointment(), wallTime(startTime), otherDoctorId),
    onOverride: (allow, reason) => void move(appointment(), wall, doctorId, { allow, reason }),
  };
}
within(moving, "form").addEventListener("submit", (event) => {
  event.preventDefault();
  void move(current!, `${valueOf("move-date")}T${valueOf("move-time")}`, valueOf("move-doctor"));
});

/** Open the form for moving an appointment with a time that was refused. */
export function openRefusedMove(appointment: Appointment, wall: string, doctorId: string): void {
  openAppointment(appointment.id);
  moving.open = true;
  setTime(wall, doctorId, false);
}
