// What appointments look like on the board.
import type { Calendar } from "@event-calendar/core";
import { createElement } from "./_api";
import { type Appointment, clockFormat, config, doctorName, ghost, isDay, language, textScale, words } from "./_board";
import { findObstacle } from "./_free";
import { portrait } from "./_portrait";
import { addMinutes } from "./_zone";

export const GHOST_ID = "ghost";
const ICONS: Record<string, string> = {
  pending: "hold",
  arrived: "arrived",
  "checked-in": "checked-in",
  fulfilled: "done",
  cancelled: "cancelled",
  noshow: "noshow",
};
const timeParts = new Intl.DateTimeFormat(language, { timeZone: "UTC", hour: "numeric", minute: "2-digit" });

/** Format a card's time. The narrow columns of a week have no room for AM and PM. */
function formatTime(wall: number): string {
  if (isDay) return clockFormat.format(wall);
  const parts = timeParts.formatToParts(wall).filter(({ type }) => type !== "dayPeriod");
  return parts
    .map(({ value }) => value)
    .join("")
    .trim();
}
const minutesBetween = (start: string, end: string): number =>
  (Date.parse(`${end}Z`) - Date.parse(`${start}Z`)) / 60_000;

/** The height in pixels of a card with two lines. */
const TWO_LINES = 35 * textScale;

/** The classes of a card. `minuteHeight` is the height of a minute, in pixels. */
const classesOf = (minutes: number, minuteHeight: number): string[] =>
  minutes * minuteHeight < TWO_LINES ? ["short"] : [];

/** How long a patient has been waiting, in minutes; null if they are not waiting. */
export function waitingMinutes({ waitingMinutes, arrivedAt }: Appointment): number | null {
  if (waitingMinutes === null || !arrivedAt) return null;
  return Math.max(waitingMinutes, Math.floor((Date.now() - Date.parse(arrivedAt)) / 60_000));
}
export const minuteFormat = new Intl.NumberFormat(language, {
  style: "unit",
  unit: "minute",
  unitDisplay: "short",
});

export function appointmentEvent(appointment: Appointment, minuteHeight: number): Calendar.EventInput {
  const minutes = minutesBetween(appointment.start, appointment.end);
  return {
    id: appointment.id,
    resourceIds: [appointment.doctorId],
    start: appointment.start,
    end: appointment.end,
    title: appointment.patient,
    startEditable: appointment.movable && config.run,
    classNames: [
      "appointment",
      appointment.status,
      `hue-${appointment.hue ?? "none"}`,
      ...(appointment.needsRebooking ? ["rebook"] : []),
      ...classesOf(minutes, minuteHeight),
    ],
    extendedProps: { appointment, waiting: waitingMinutes(appointment) },
  };
}

/** The time that the user is choosing in a panel. */
export function ghostEvents(minuteHeight: number): Calendar.EventInput[] {
  if (!ghost) return [];
  const { wall, minutes, doctorId, hue, label } = ghost;
  return [
    {
      id: GHOST_ID,
      resourceIds: [doctorId],
      start: wall,
      end: addMinutes(wall, minutes),
      title: label,
      startEditable: true,
      classNames: ["appointment", "ghost", `hue-${hue || "none"}`, ...classesOf(minutes, minuteHeight)],
    },
  ];
}

function icon(name: string, label: string): HTMLElement {
  const image = createElement("span", { class: `icon i-${name}`, "aria-hidden": "true" });
  return createElement("span", { title: label }, image, createElement("span", { class: "unseen" }, label));
}

/** The icons for anything special about an appointment. The ordinary status, booked, has none. */
function marks(appointment: Appointment): HTMLElement[] {
  const { status, needsRebooking, notes, staffNotes, video, callFailed, isFirst, inRoomAt } = appointment;
  const all: HTMLElement[] = [];
  const waiting = waitingMinutes(appointment);
  const remarks = [notes, staffNotes].filter(Boolean).join(" · ");
  if (isFirst) all.push(icon("first", words["first"]!));
  if (remarks) all.push(icon("notes", `${words["notes"]}: ${remarks}`));
  if (callFailed) all.push(icon("alert", words["noRoom"]!));
  else if (video) all.push(icon("video", words["video"]!));
  if (needsRebooking) all.push(icon("alert", words["rebook"]!));
  else if (inRoomAt && status === "checked-in") all.push(icon("in-room", words["inRoom"]!));
  else if (ICONS[status]) all.push(icon(ICONS[status], config.statuses[status]!));
  if (waiting !== null) {
    const minutes = minuteFormat.format(waiting);
    const text = words["waitingFor"]!.replace("{minutes}", minutes);
    const short = createElement("span", { "aria-hidden": "true" }, minutes);
    all.push(
      createElement(
        "span",
        { class: "wait number", title: text },
        short,
        createElement("span", { class: "unseen" }, text),
      ),
    );
  }
  return all;
}

/** A mark that says that a time is taken. */
const takenMark = (): HTMLElement =>
  createElement(
    "span",
    { class: "taken" },
    createElement("span", { class: "icon i-alert", "aria-hidden": "true" }),
    words["taken"]!,
  );

/** Whether another appointment prevents the user from dropping a card here. */
function isTaken({ id, start, resourceIds }: Calendar.Event, appointment: Appointment): boolean {
  const doctorId = isDay ? String(resourceIds[0]) : appointment.doctorId;
  const obstacle = findObstacle(appointment, wallOfDate(start), doctorId);
  return id === appointment.id && obstacle !== undefined && obstacle.kind !== "closed";
}

/** The content of a card. While the user drags it, it shows the time where it would be dropped, and whether that is
 * taken. */
export function eventContent({ event }: Calendar.EventContentInfo): Calendar.Content {
  const appointment = event.extendedProps["appointment"] as Appointment | undefined;
  const time = createElement("time", {}, formatTime(asUtc(event.start)));
  if (event.id === GHOST_ID)
    return {
      domNodes: [
        createElement("div", {}, time, " ", createElement("strong", {}, String(event.title))),
        ...(ghost?.taken ? [takenMark()] : []),
      ],
    };
  if (event.display === "pointer") return { domNodes: [createElement("div", {}, time)] };
  if (!appointment) return { domNodes: event.title ? [createElement("span", {}, String(event.title))] : [] };
  const { patient, type, doctorId } = appointment;
  const name = createElement("strong", {}, patient);
  // the mark that says how long the patient has been waiting leaves little room, so their name comes first
  const line = waitingMinutes(appointment) === null ? [time, " ", name, " "] : [name, " ", time, " "];
  const details = [createElement("span", { class: "more" }, type ?? ""), " "];
  const unseen = createElement("span", { class: "unseen" }, doctorName(doctorId));
  return {
    domNodes: [
      createElement("div", {}, ...line, ...details, unseen),
      event.display === "preview" && isTaken(event, appointment)
        ? takenMark()
        : createElement("div", { class: "marks" }, ...marks(appointment)),
    ],
  };
}

/** One of the calendar's dates as if it were in UTC, because it contains a wall time in the browser's zone. */
const asUtc = (date: Date): number =>
  Date.UTC(date.getFullYear(), date.getMonth(), date.getDate(), date.getHours(), date.getMinutes());

/** The wall time that one of the calendar's dates contains. */
export const wallOfDate = (date: Date): string => new Date(asUtc(date)).toISOString().slice(0, 16);

const loadFormat = new Intl.NumberFormat(language);

/** A doctor's name and number of appointments above the column. Below it, the waiting patients or the specialty. */
export function doctorHeading({ resource }: Calendar.ResourceLabelInfo): Calendar.Content {
  const { specialty, portrait: picture, count, waiting } = resource.extendedProps;
  const name = createElement("strong", {}, String(resource.title));
  const number = count ? loadFormat.format(Number(count)) : "";
  const load = createElement("span", { class: "load number", "aria-hidden": "true" }, number);
  const spoken = createElement("span", { class: "unseen" }, number && words["load"]!.replace("{count}", number));
  const line = createElement("div", { class: "row" }, name, " ", load, spoken);
  const below = waiting
    ? [createElement("span", { class: "waiting number" }, String(waiting))]
    : specialty
      ? [createElement("small", {}, String(specialty))]
      : [];
  const text = createElement("div", {}, line, ...below);
  const face = portrait(String(resource.title), picture ? String(picture) : null);
  return { domNodes: [createElement("div", { class: "column-head" }, face, text)] };
}
