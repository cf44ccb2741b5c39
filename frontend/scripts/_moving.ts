// Moves an appointment on the board: by dragging its card, or with the arrow keys.
import type { Calendar } from "@event-calendar/core";
import { Refused } from "./_api";
import { target } from "./_appointment";
import { type Appointment, clockFormat, config, findAppointment, get, refresh, showGhost, words } from "./_board";
import { wallOfDate } from "./_cards";
import { columns } from "./_grid";
import { changedProblem, showRefusal } from "./_refusal";
import { announceMove, openRefusedMove, reschedule, waysToMove } from "./_rescheduling";
import { announce } from "./_toast";
import { addMinutes } from "./_zone";

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
  const minutes = (Date.parse(appointment.endTime) - Date.parse(appointment.startTime)) / 60_000;
  showGhost({ wall, minutes, doctorId, hue: String(appointment.hue ?? ""), label: appointment.patient });
  announce(words["moving"]!.replace("{time}", clockFormat.format(new Date(`${wall}Z`))));
  get("board").querySelector(".ghost")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/** Handle a key during a move. Returns whether the key was part of the move. */
export function handleMovingKey(key: string): boolean {
  if (!pending) return false;
  const { appointment, wall, doctorId } = pending;
  if (key === "ArrowUp" || key === "ArrowDown") {
    pending.wall = addMinutes(wall, key === "ArrowUp" ? -config.slotStep : config.slotStep);
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
