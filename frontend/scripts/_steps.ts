// Changes an appointment's status in one step, from its card, its row or its panel, and offers to undo it.
import { callApi, Refused } from "./_api";
import { type Appointment, board, config, findAppointment, refresh, words } from "./_board";
import { announce } from "./_toast";
import { dateOf } from "./_zone";

/** The steps in the order in which a visit goes through them, each with its key. */
export const STEPS: Record<string, string> = { confirm: "b", arrive: "a", checkIn: "c", fulfil: "f", noShow: "x" };

export const pathOf = (appointment: Appointment): string => `/api/appointments/${appointment.id}`;

/** Return whether a step is possible now: a no-show not before the start, a completed visit not before its day. */
export function canTake(appointment: Appointment, step: string): boolean {
  if (!config.run || !appointment.steps.includes(step)) return false;
  if (step === "noShow") return new Date(appointment.startTime).getTime() <= Date.now();
  return step !== "fulfil" || dateOf(appointment.start) <= board.today;
}

/** Take a step, and offer to undo it. Throws `Refused`. */
export async function takeStep(appointment: Appointment, step: string): Promise<void> {
  const { id, patient } = appointment;
  await callApi("POST", `${pathOf(appointment)}/${step}`);
  await refresh();
  const changed = findAppointment(id);
  const isUndo = step === "undo" || step === "unarrive";
  const text = isUndo ? words["undone"]! : (config.statuses[changed?.status ?? ""] ?? words["saved"]!);
  announce(`${patient}: ${text}`, isUndo ? undefined : () => undoStep(id));
}

/** Undo the last step of an appointment. */
export async function undoStep(id: string): Promise<void> {
  try {
    await callApi("POST", `/api/appointments/${id}/undo`);
  } finally {
    await refresh();
  }
}

/** Take a step away from the panel. A refusal is announced. */
export async function takeStepQuickly(id: string, step: string): Promise<void> {
  const appointment = findAppointment(id);
  if (!appointment || !canTake(appointment, step)) return;
  try {
    await takeStep(appointment, step);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    await refresh();
    announce(error.message);
  }
}
