// Whether a doctor is free for an appointment, as far as the board knows. The server decides.
import { type Appointment, board, config } from "./_board";
import { addMinutes } from "./_zone";

/** What prevents a move: another appointment, the buffer around it or around the moved one, or closed hours. */
export type Obstacle = { kind: "taken" | "buffer"; other: Appointment } | { kind: "closed" };

const ENDED = ["cancelled", "noshow"];

export const minutesOf = ({ startTime, endTime }: Appointment): number =>
  (Date.parse(endTime) - Date.parse(startTime)) / 60_000;

/** Return what prevents an appointment from moving to a doctor and a wall time. */
export function findObstacle(appointment: Appointment, wall: string, doctorId: string): Obstacle | undefined {
  const start = wall.slice(0, 16);
  const end = addMinutes(start, minutesOf(appointment));
  const [before, after] = config.buffers[appointment.typeId ?? ""] ?? [0, 0];
  const [claimedFrom, claimedUntil] = [addMinutes(start, -before), addMinutes(end, after)];
  const others = board.appointments.filter(
    (each) => each.id !== appointment.id && each.doctorId === doctorId && !ENDED.includes(each.status),
  );
  const taken = others.find((each) => each.start.slice(0, 16) < end && start < each.end.slice(0, 16));
  if (taken) return { kind: "taken", other: taken };
  const tooClose = others.find(
    (each) => each.claimedFrom.slice(0, 16) < claimedUntil && claimedFrom < each.claimedUntil.slice(0, 16),
  );
  if (tooClose) return { kind: "buffer", other: tooClose };
  const isOpen = board.times.some(
    (time) =>
      !time.absence && time.doctorId === doctorId && time.start.slice(0, 16) <= start && end <= time.end.slice(0, 16),
  );
  return isOpen ? undefined : { kind: "closed" };
}
