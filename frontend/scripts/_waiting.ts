// The number of waiting patients and the longest wait: per doctor above the columns, and in total above the board.
import { type Appointment, board, get, words } from "./_board";
import { minuteFormat, waitingMinutes } from "./_cards";

interface Waiting {
  count: number;
  longest: number;
  /** The patient who has been waiting longest. */
  first: Appointment;
}

/** Return who is waiting for a doctor, or for any doctor, or undefined if no one is. */
export function waitingFor(doctorId?: string): Waiting | undefined {
  const all = board.appointments
    .filter((appointment) => !doctorId || appointment.doctorId === doctorId)
    .map((appointment) => ({ appointment, minutes: waitingMinutes(appointment) }))
    .filter((each): each is { appointment: Appointment; minutes: number } => each.minutes !== null)
    .sort((one, other) => other.minutes - one.minutes);
  const [first] = all;
  return first && { count: all.length, longest: first.minutes, first: first.appointment };
}

/** “2 waiting · 14 min”, or an empty string. */
export function waitingText(waiting: Waiting | undefined): string {
  if (!waiting) return "";
  const text = words["waiting"]!.replace("{count}", String(waiting.count));
  return text.replace("{minutes}", minuteFormat.format(waiting.longest));
}

/** Show above the board how many patients are waiting. */
export function showWaiting(): void {
  const button = get("waiting");
  const waiting = waitingFor();
  button.hidden = !waiting;
  const text = button.querySelector("span:last-child")!;
  if (text.textContent !== waitingText(waiting)) text.textContent = waitingText(waiting);
}
