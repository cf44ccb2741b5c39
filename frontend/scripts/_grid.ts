// The timetable's frame: the hours that it shows, how tall they are, and which times are closed.
import type { Calendar } from "@event-calendar/core";
import { board, config, type Doctor, isDay, textScale, wallTime, words } from "./_board";
import { addMinutes, dateOf, timeOf } from "./_zone";

/** The height that a line of text needs, in pixels. */
const LINE_HEIGHT = 20 * textScale;
const COMPACT = 0.8;

/** Doctors without hours that day, whose columns the user has added. */
export const addedColumns = new Set<string>();

/** The doctors who have a column: those with anything to show, and those whom the user has added. */
export function columns(): Doctor[] {
  const wanted = config.doctors.filter(({ id }) => addedColumns.has(id) || id === config.doctor);
  const shown = new Map([...board.doctors, ...wanted].map((doctor) => [doctor.id, doctor]));
  return [...shown.values()].sort((one, other) => one.name.localeCompare(other.name));
}

function backgroundEvent(column: string, start: string, end: string, kind: string, title = ""): Calendar.EventInput {
  const resourceIds = column ? [column] : [];
  return { resourceIds, start, end, display: "background", classNames: [kind], ...(title ? { title } : {}) };
}

const dayAfter = (day: string): string => dateOf(addMinutes(`${day}T00:00`, 1440));

/** The times in a column that cannot be booked: those outside the published hours, and absences. */
export function closedTimes(column: string, from: string, until: string): Calendar.EventInput[] {
  const events: Calendar.EventInput[] = [];
  const hours = board.times.filter((time) => !time.absence && (!column || time.doctorId === column));
  for (let day = board.first; day <= board.last; day = dayAfter(day)) {
    let start = `${day}T${from}`;
    const end = until === "24:00" ? `${dayAfter(day)}T00:00` : `${day}T${until}`;
    for (const range of hours.filter((other) => other.start < end && other.end > start)) {
      if (range.start > start) events.push(backgroundEvent(column, start, range.start, "closed"));
      if (range.end > start) start = range.end;
    }
    if (start < end) events.push(backgroundEvent(column, start, end, "closed"));
  }
  for (const { absence, doctorId, start, end, reason } of board.times) {
    if (!absence || (column && doctorId !== null && doctorId !== column)) continue;
    const label = doctorId === null ? words["closed"]! : words["away"]!;
    events.push(backgroundEvent(column, start, end, "absence", [label, reason].filter(Boolean).join(" · ")));
  }
  return events;
}

/** The hours to draw: all published or booked hours, plus one on either side. */
export function visibleHours(): { slotMinTime: string; slotMaxTime: string } {
  const hourOf = (wall: string): number => Number(wall.slice(11, 13));
  const ranges = [...board.appointments, ...board.times.filter((time) => !time.absence)];
  const starts = ranges.map(({ start }) => hourOf(start));
  const ends = ranges.map(({ start, end }) =>
    dateOf(end) > dateOf(start) ? 24 : hourOf(end) + (end.slice(14, 16) > "00" ? 1 : 0),
  );
  const format = (hour: number): string => `${String(hour).padStart(2, "0")}:00`;
  return {
    slotMinTime: format(Math.max(0, Math.min(9, ...starts) - 1)),
    slotMaxTime: format(Math.min(24, Math.max(17, ...ends) + 1)),
  };
}

/** The height of a quarter of an hour, in pixels: enough for a line of text in the shortest appointment. */
export function slotHeight(isCompact: boolean): number {
  const lengths = board.appointments.map(
    ({ startTime, endTime }) => (Date.parse(endTime) - Date.parse(startTime)) / 60_000,
  );
  const shortest = Math.max(10, Math.min(isDay ? 20 : 30, ...lengths));
  return Math.round((LINE_HEIGHT / shortest) * 15 * (isCompact ? COMPACT : 1));
}

/** Where a board that is taller than its window starts: one hour before now, or at the first hour. */
export function scrollTime(): string {
  const now = wallTime(new Date().toISOString());
  const isToday = board.first <= dateOf(now) && dateOf(now) <= board.last;
  return isToday && now.slice(11, 13) > "00" ? timeOf(addMinutes(now, -60)) : visibleHours().slotMinTime;
}
