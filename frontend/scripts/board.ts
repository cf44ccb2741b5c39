// The board for a day, or for a doctor's week, drawn as a timetable. The server renders the same content as a list.
import { type Calendar, createCalendar, Interaction, ResourceTimeGrid, TimeGrid } from "@event-calendar/core";
import { createElement } from "./_api";
import { moveDropped, openAppointment } from "./_appointment";
import {
  type Appointment,
  board,
  clockFormat,
  config,
  doctorName,
  get,
  language,
  onRefresh,
  wallTime,
  words,
} from "./_board";
import { listenForKeys } from "./_board_keys";
import { newBooking } from "./_booking";
import { listen } from "./_live";
import { addMinutes, dateOf, timeOf } from "./_zone";

const TABLE_ROLES = ["table", "rowgroup", "row", "cell", "columnheader", "rowheader"];
const TABLE_ATTRIBUTES = ["role", "aria-colindex", "aria-rowindex", "aria-colspan", "aria-colcount", "aria-rowcount"];

const isDay = config.view === "day";
const statuses = get<HTMLSelectElement>("statuses");
let calendar: Calendar | undefined;
let isDragging = false;
/** The most recently drawn values, as JSON. */
const lastDrawn = new Map<string, string>();

const isShown = (status: string): boolean => statuses.value.split(" ").includes(status);

// --- calendar events

function appointmentEvent(appointment: Appointment): Calendar.EventInput {
  const isShort = appointment.end < addMinutes(appointment.start, 30);
  return {
    id: appointment.id,
    resourceIds: [appointment.doctorId],
    start: appointment.start,
    end: appointment.end,
    title: appointment.patient,
    startEditable: appointment.movable,
    classNames: [
      "appointment",
      appointment.status,
      ...(appointment.needsRebooking ? ["rebook"] : []),
      ...(isShort ? ["short"] : []),
    ],
    extendedProps: { appointment },
  };
}

function backgroundEvent(column: string, start: string, end: string, kind: string, title = ""): Calendar.EventInput {
  const resourceIds = column ? [column] : [];
  return { resourceIds, start, end, display: "background", classNames: [kind], ...(title ? { title } : {}) };
}

/** The times in a column that cannot be booked: those outside the published hours, and absences. */
function closedTimes(column: string, from: string, until: string): Calendar.EventInput[] {
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

const dayAfter = (day: string): string => dateOf(addMinutes(`${day}T00:00`, 1440));

/** The hours to draw: all published or booked ones, plus an hour on either side. */
function visibleHours(): { slotMinTime: string; slotMaxTime: string } {
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

/** Where a board that is taller than its window starts: an hour before now, or at the first hour. */
function scrollTime(): string {
  const now = wallTime(new Date().toISOString());
  const isToday = board.first <= dateOf(now) && dateOf(now) <= board.last;
  return isToday && now.slice(11, 13) > "00" ? timeOf(addMinutes(now, -60)) : visibleHours().slotMinTime;
}

// --- drawing

/** The options that change when the board is refreshed. */
function changingOptions(): Calendar.Options {
  const { slotMinTime, slotMaxTime } = visibleHours();
  const columns = isDay ? board.doctors.map((doctor) => doctor.id) : [""];
  const appointments = board.appointments.filter((appointment) => isShown(appointment.status));
  return {
    timeZone: board.offset,
    slotMinTime,
    slotMaxTime,
    resources: board.doctors.map(({ id, name, specialty }) => ({ id, title: name, extendedProps: { specialty } })),
    events: [
      ...columns.flatMap((column) => closedTimes(column, slotMinTime, slotMaxTime)),
      ...appointments.map(appointmentEvent),
    ],
  };
}

function eventContent({ event }: Calendar.EventContentInfo): Calendar.Content {
  const appointment = event.extendedProps["appointment"] as Appointment | undefined;
  if (!appointment) return { domNodes: event.title ? [createElement("span", {}, String(event.title))] : [] };
  const { notes, needsRebooking, start, patient, type, doctorId } = appointment;
  const status = config.statuses[appointment.status]!;
  const notesIcon = { class: "noted", role: "img", "aria-label": words["notes"]!, title: notes ?? "" };
  const parts: (Node | string)[] = [
    createElement("span", isDay ? {} : { class: "unseen" }, clockFormat.format(new Date(`${start}Z`))),
    createElement("strong", {}, patient),
    ...(notes ? [createElement("span", notesIcon, "✎")] : []),
    createElement("em", {}, needsRebooking ? `${status}, ${words["rebook"]}` : status),
    createElement("span", {}, type ?? ""),
    createElement("span", { class: "unseen" }, doctorName(doctorId)),
  ];
  return { domNodes: [createElement("div", {}, ...parts.flatMap((part) => [part, " "]))] };
}

function doctorHeading({ resource }: Calendar.ResourceLabelInfo): Calendar.Content {
  const { specialty } = resource.extendedProps;
  const name = createElement("strong", {}, String(resource.title));
  return { domNodes: [name, ...(specialty ? [createElement("small", {}, String(specialty))] : [])] };
}

const fixedOptions: Calendar.Options = {
  view: isDay ? "resourceTimeGridDay" : "timeGridWeek",
  date: board.first,
  firstDay: 1,
  locale: language,
  height: "auto",
  headerToolbar: { start: "", center: "", end: "" },
  allDaySlot: false,
  slotDuration: "00:15",
  slotLabelInterval: "01:00",
  slotLabelFormat: { timeStyle: "short" },
  slotHeight: 22,
  slotEventOverlap: false,
  nowIndicator: true,
  pointer: true,
  columnWidth: isDay ? "minmax(9rem, 1fr)" : "minmax(5.4rem, 1fr)",
  editable: true,
  eventDurationEditable: false,
  eventStartEditable: true,
  snapDuration: "00:05",
  eventLongPressDelay: 400,
  dayHeaderFormat: { weekday: "short", day: "numeric", month: "short" },
  resourceLabelContent: doctorHeading,
  eventContent,
  eventDidMount: ({ el, event }) => {
    if (event.display === "auto") el.dataset.appointment = String(event.id);
  },
  eventClick: ({ event }) => openAppointment(String(event.id)),
  dateClick: (click) => newBooking(click.dateStr.slice(0, 16), click.resource?.id),
  eventDragStart: () => void (isDragging = true),
  eventDragStop: () => void (isDragging = false),
  eventDrop: (drop) => {
    lastDrawn.delete("events"); // the calendar has moved the event
    void moveDropped(drop);
  },
};

/** Whether a value has changed since it was drawn. Unnecessary redrawing would remove elements under the pointer. */
function hasChanged(name: string, value: unknown): boolean {
  const text = JSON.stringify(value);
  const before = lastDrawn.get(name);
  lastDrawn.set(name, text);
  return before !== text;
}

function draw(): void {
  const focused = document.activeElement?.closest<HTMLElement>("[data-appointment]")?.dataset.appointment;
  if (calendar || document.body.classList.contains("as-board")) drawCalendar();
  get("no-hours").hidden = board.times.some((time) => !time.absence);
  if (board.list !== undefined && hasChanged("list", board.list)) get("list").innerHTML = board.list;
  for (const row of document.querySelectorAll<HTMLElement>("#list [data-status]"))
    row.hidden = !isShown(row.dataset.status!);
  if (focused && document.activeElement === document.body) focusAppointment(focused);
}

function drawCalendar(): void {
  const options = changingOptions();
  const changed = Object.entries(options).filter(([name, value]) => hasChanged(name, value));
  if (calendar) {
    for (const [name, value] of changed) calendar.setOption(name as keyof Calendar.Options, value as never);
    return;
  }
  const plugins = [Interaction, isDay ? ResourceTimeGrid : TimeGrid];
  calendar = createCalendar(get("board"), plugins, { ...fixedOptions, scrollTime: scrollTime(), ...options });
}

function focusAppointment(id: string): void {
  const elements = document.querySelectorAll<HTMLElement>(`[data-appointment="${id}"]`);
  [...elements].find((element) => element.offsetParent)?.focus();
}

// The calendar's roles announce a table, but its content is not one: to screen readers it is a series of buttons.
new MutationObserver(() => {
  const selector = TABLE_ROLES.map((role) => `[role=${role}]`).join(", ");
  for (const element of get("board").querySelectorAll(selector))
    for (const name of TABLE_ATTRIBUTES) element.removeAttribute(name);
}).observe(get("board"), { subtree: true, childList: true, attributeFilter: ["role"] });

// --- the choice between board and list

function show(view: string): void {
  document.body.classList.toggle("as-board", view === "board");
  document.body.classList.toggle("as-list", view === "list");
  for (const button of document.querySelectorAll<HTMLElement>("[data-show]"))
    button.setAttribute("aria-pressed", String(button.dataset.show === view));
  draw();
}
for (const button of document.querySelectorAll<HTMLElement>("[data-show]"))
  button.addEventListener("click", () => {
    localStorage.setItem("show", button.dataset.show!);
    show(button.dataset.show!);
  });
statuses.addEventListener("change", draw);
get("list").addEventListener("click", (event) => {
  const link = (event.target as Element).closest<HTMLElement>("[data-appointment]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  openAppointment(link.dataset.appointment!);
});

document.documentElement.classList.add("scripting");
show(localStorage.getItem("show") ?? (matchMedia("(min-width: 52rem)").matches ? "board" : "list"));
onRefresh.push(() => isDragging || draw());
listen();
listenForKeys(() => show(document.body.classList.contains("as-board") ? "list" : "board"));
const requested = new URLSearchParams(location.search).get("appointment");
if (requested) openAppointment(requested);
