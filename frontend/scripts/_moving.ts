// Moves an appointment on the board: by dragging its card, or with the arrow keys.
import type { Calendar } from "@event-calendar/core";
import { Refused } from "./_api";
import { target } from "./_appointment";
import { type Appointment, clockFormat, config, findAppointment, get, refresh, showGhost, words } from "./_board";
import { wallOfDate } from "./_cards";
import { findObstacle, minutesOf, type Obstacle } from "./_free";
import { columns } from "./_grid";
import { changedProblem, showRefusal } from "./_refusal";
import { announceMove, openRefusedMove, reschedule, waysToMove } from "./_rescheduling";
import { announce } from "./_toast";
import { addMinutes, dateOf } from "./_zone";

/** Move an appointment. If that is refused, explain why in its panel. Resolves to whether it worked. */
async function move(appointment: Appointment, wall: string, doctorId: string): Promise<boolean> {
  try {
    const moved = await reschedule(appointment, wall, doctorId);
    await refresh();
    announceMove(appointment, moved);
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    await refresh();
    const latest = (): Appointment => findAppointment(appointment.id) ?? appointment;
    openRefusedMove(latest(), wall, doctorId);
    const { problem } = error;
    if (problem.status === 412) showRefusal(changedProblem(problem), target);
    else showRefusal(problem, { ...target, ...waysToMove(latest, wall, doctorId) });
    return false;
  }
}

/** Move a dropped appointment. If the move is refused, put its card back. */
export async function moveDropped(drop: Calendar.EventDropInfo): Promise<void> {
  const appointment = findAppointment(String(drop.event.id))!;
  const doctorId = drop.newResource?.id ?? appointment.doctorId;
  if (!(await move(appointment, wallOfDate(drop.event.start), doctorId))) drop.revert();
}

/** The move that the user is making with the arrow keys. */
let pending: { appointment: Appointment; wall: string; doctorId: string } | undefined;

export function startMoving(id: string): void {
  const appointment = findAppointment(id);
  if (!appointment?.movable || !config.run) return;
  pending = { appointment, wall: appointment.start.slice(0, 16), doctorId: appointment.doctorId };
  showPending();
}

function showPending(): void {
  if (!pending) return;
  const { appointment, wall, doctorId } = pending;
  const obstacle = findObstacle(appointment, wall, doctorId);
  showGhost({
    wall,
    minutes: minutesOf(appointment),
    doctorId,
    hue: String(appointment.hue ?? ""),
    label: appointment.patient,
    taken: obstacle !== undefined && obstacle.kind !== "closed",
  });
  const time = clockFormat.format(new Date(`${wall}Z`));
  announce(describe(obstacle).replace("{time}", time));
  get("board").querySelector(".ghost")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/** Say whether the doctor is free. */
function describe(obstacle: Obstacle | undefined): string {
  if (!obstacle) return words["moving"]!;
  if (obstacle.kind === "closed") return words["movingClosed"]!;
  const text = words[obstacle.kind === "taken" ? "movingTaken" : "movingBuffer"]!;
  return text.replace("{patient}", obstacle.other.patient);
}

/** Handle a key during a move. Returns whether the key was part of the move. */
export function handleMovingKey(key: string): boolean {
  if (!pending) return false;
  const { appointment, wall, doctorId } = pending;
  if (key === "ArrowUp" || key === "ArrowDown") {
    const next = addMinutes(wall, key === "ArrowUp" ? -config.slotStep : config.slotStep);
    const isSameDay = [next, addMinutes(next, minutesOf(appointment))].every((each) => dateOf(each) === dateOf(wall));
    if (isSameDay) pending.wall = next;
    showPending();
  } else if (key === "ArrowLeft" || key === "ArrowRight") {
    const ids = columns().map(({ id }) => id);
    const isForward = (key === "ArrowRight") !== (document.documentElement.dir === "rtl");
    pending.doctorId = ids[ids.indexOf(doctorId) + (isForward ? 1 : -1)] ?? doctorId;
    showPending();
  } else if (key === "Enter") {
    endMoving();
    if (wall !== appointment.start.slice(0, 16) || doctorId !== appointment.doctorId)
      void move(appointment, wall, doctorId);
  } else if (key === "Escape") {
    endMoving();
    announce(words["putBack"]!);
  } else return false;
  return true;
}

function endMoving(): void {
  pending = undefined;
  showGhost();
}
