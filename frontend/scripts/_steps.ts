// Changes an appointment's status in one step, from its card, its row or its panel, and offers to undo it.
import { callApi } from "./_api";
import { type Appointment, board, config, findAppointment, refresh, words } from "./_board";
import { announce } from "./_toast";
import { dateOf } from "./_zone";

/** The steps in the order of a visit, each with its keyboard shortcut. */
export const STEPS: Record<string, string> = {
  confirm: "b",
  arrive: "a",
  checkIn: "c",
  enterRoom: "r",
  fulfil: "f",
  noShow: "x",
};
const UNDOING = ["undo", "unarrive"];

export const pathOf = (appointment: Appointment): string => `/api/appointments/${appointment.id}`;

/** Return whether a step is possible now: no no-show before the start, and no completed visit before its day. */
export function canTake(appointment: Appointment, step: string): boolean {
  if (!config.run || !appointment.steps.includes(step)) return false;
  if (step === "noShow") return new Date(appointment.startTime).getTime() <= Date.now();
  return step !== "fulfil" || dateOf(appointment.start) <= board.today;
}

/** The step that usually comes next. */
export function nextStep(appointment: Appointment): string | undefined {
  const usual = appointment.status === "booked" ? ["arrive"] : ["confirm", "enterRoom", "fulfil"];
  return usual.find((step) => canTake(appointment, step));
}

/** Whether the patient is here, but the visit is on a later day, and so cannot be completed yet. */
export const isEarly = ({ status, start }: Appointment): boolean =>
  ["arrived", "checked-in"].includes(status) && dateOf(start) > board.today;

/** Take a step, and offer to undo it. Throws `Refused`. */
export async function takeStep(appointment: Appointment, step: string): Promise<void> {
  const { id, patient } = appointment;
  await callApi("POST", `${pathOf(appointment)}/${step}`);
  await refresh();
  const changed = findAppointment(id);
  const isUndo = UNDOING.includes(step);
  const text = isUndo ? words["undone"]! : changed ? statusName(changed) : words["saved"]!;
  announce(`${patient}: ${text}`, isUndo ? {} : { undo: () => undoStep(id) });
}

/** The name of an appointment's status. */
export function statusName({ status, inRoomAt }: Appointment): string {
  return status === "checked-in" && inRoomAt ? words["inRoom"]! : config.statuses[status]!;
}

/** Undo an appointment's last step: a change to its status or time, or its cancellation. */
export async function undoStep(id: string): Promise<void> {
  try {
    await callApi("POST", `/api/appointments/${id}/undo`);
  } finally {
    await refresh();
  }
}
