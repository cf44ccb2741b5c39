// The board for a day, or for a doctor's week, drawn as a timetable. The server renders the same content as a list, and
// a week of all doctors as a table.
import { type Calendar, createCalendar, Interaction, ResourceTimeGrid, TimeGrid } from "@event-calendar/core";
import { openAppointment, openAppointmentId, takeStepQuickly } from "./_appointment";
import {
  board,
  config,
  get,
  isDay,
  isWeekTable,
  language,
  onGhost,
  onRefresh,
  portraitOf,
  refresh,
  wallTime,
} from "./_board";
import { listenForKeys } from "./_board_keys";
import { bookFor, continueBooking, dragChosenTime, newBooking } from "./_booking";
import { appointmentEvent, doctorHeading, eventContent, GHOST_ID, ghostEvents, wallOfDate } from "./_cards";
import { addedColumns, closedTimes, columns, scrollTime, slotHeight, visibleHours } from "./_grid";
import "./_card_actions";
import "./_video_visit";
import { listen } from "./_live";
import { moveDropped } from "./_moving";
import { chooseTime } from "./_rescheduling";
import { showWaiting, waitingFor, waitingText } from "./_waiting";
import { dateOf } from "./_zone";

const TABLE_ROLES = ["table", "rowgroup", "row", "cell", "columnheader", "rowheader"];
const TABLE_ATTRIBUTES = ["role", "aria-colindex", "aria-rowindex", "aria-colspan", "aria-colcount", "aria-rowcount"];

const statuses = get<HTMLSelectElement>("statuses");
const dense = get<HTMLInputElement>("dense");
let calendar: Calendar | undefined;
let isDragging = false;
/** The most recently drawn values, as JSON. */
const lastDrawn = new Map<string, string>();

const isShown = (status: string): boolean => statuses.value.split(" ").includes(status);

// --- drawing

/** The options that change when the board is refreshed. */
function changingOptions(): Calendar.Options {
  const { slotMinTime, slotMaxTime } = visibleHours();
  const doctors = columns();
  const appointments = board.appointments.filter((appointment) => isShown(appointment.status));
  const height = slotHeight(dense.checked);
  const countOf = (id: string): number =>
    appointments.filter(({ doctorId, status }) => doctorId === id && !["cancelled", "noshow"].includes(status)).length;
  return {
    timeZone: board.offset,
    slotMinTime,
    slotMaxTime,
    slotHeight: height,
    resources: doctors.map(({ id, name, specialty }) => ({
      id,
      title: name,
      extendedProps: { specialty, portrait: portraitOf(id), count: countOf(id), waiting: waitingText(waitingFor(id)) },
    })),
    events: [
      ...(isDay ? doctors.map(({ id }) => id) : [""]).flatMap((column) =>
        closedTimes(column, slotMinTime, slotMaxTime),
      ),
      ...appointments.map((appointment) => appointmentEvent(appointment, height / 15)),
      ...ghostEvents(height / 15),
    ],
  };
}

const fixedOptions: Calendar.Options = {
  view: isDay ? "resourceTimeGridDay" : "timeGridWeek",
  date: board.first,
  firstDay: new Date(board.first).getUTCDay() as NonNullable<Calendar.Options["firstDay"]>,
  locale: language,
  height: "auto",
  headerToolbar: { start: "", center: "", end: "" },
  allDaySlot: false,
  slotDuration: "00:15",
  slotLabelInterval: "01:00",
  slotLabelFormat: { timeStyle: "short" },
  slotEventOverlap: false,
  nowIndicator: true,
  pointer: true,
  columnWidth: isDay ? "minmax(9rem, 1fr)" : "minmax(6rem, 1fr)",
  editable: true,
  eventDurationEditable: false,
  eventStartEditable: true,
  snapDuration: { minutes: config.slotStep },
  eventLongPressDelay: 400,
  dayHeaderFormat: { weekday: "short", day: "numeric", month: "short" },
  resourceLabelContent: doctorHeading,
  eventContent,
  eventDidMount: ({ el, event }) => {
    if (event.display === "auto" && event.id !== GHOST_ID) el.dataset.appointment = String(event.id);
  },
  eventClick: ({ event, jsEvent }) => {
    if (event.id !== GHOST_ID) openFrom(String(event.id), jsEvent);
  },
  dateClick: ({ dateStr, resource }) => {
    const wall = dateStr.slice(0, 16);
    if (!chooseTime(wall, resource?.id)) newBooking(wall, resource?.id);
  },
  eventDragStart: () => void (isDragging = true),
  eventDragStop: () => void (isDragging = false),
  eventDrop: (drop) => {
    lastDrawn.delete("events"); // the calendar has moved the event
    if (drop.event.id !== GHOST_ID) return void moveDropped(drop);
    const [wall, doctorId] = [wallOfDate(drop.event.start), drop.newResource?.id];
    if (!chooseTime(wall, doctorId)) dragChosenTime(wall, doctorId);
  },
};

/** Open an appointment's panel. After a click, the focus stays on the card, so that its keys keep working. */
function openFrom(id: string, event: Event): void {
  openAppointment(id);
  if (!(event instanceof KeyboardEvent) && (event as MouseEvent).detail > 0 && !document.querySelector("dialog:modal"))
    focusAppointment(id);
}

/** Whether a value has changed since it was drawn. Unnecessary redrawing would remove elements under the pointer. */
function hasChanged(name: string, value: unknown): boolean {
  const text = JSON.stringify(value);
  const before = lastDrawn.get(name);
  lastDrawn.set(name, text);
  return before !== text;
}

function draw(): void {
  const focused = document.activeElement?.closest<HTMLElement>("[data-appointment]")?.dataset.appointment;
  const focusedRow = document.activeElement?.closest<HTMLElement>("[data-row]")?.dataset.row;
  const isClosed = isDay && columns().length === 0;
  document.body.classList.toggle("closed-day", isClosed);
  if (!isWeekTable && !isClosed && (calendar || document.body.classList.contains("as-board"))) drawCalendar();
  get("no-hours").hidden = board.times.some((time) => !time.absence);
  if (board.list !== undefined && hasChanged("list", board.list)) get("list").innerHTML = board.list;
  for (const row of document.querySelectorAll<HTMLElement>("#list [data-status]"))
    row.hidden = !isShown(row.dataset.status!);
  if (focused || focusedRow) {
    restoreFocus(focused, focusedRow);
    requestAnimationFrame(() => restoreFocus(focused, focusedRow)); // the calendar draws a moment later
  }
  markOpen();
  showWaiting();
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

/** If redrawing has removed the focused card or button, focus the one in its place. */
function restoreFocus(card: string | undefined, row: string | undefined): void {
  if (document.activeElement !== document.body) return;
  const button = document.querySelector<HTMLElement>(`[data-row="${row}"] [data-step]`);
  if (button && !card) button.focus();
  else focusAppointment(card ?? row!);
}

function focusAppointment(id: string): void {
  const elements = document.querySelectorAll<HTMLElement>(`[data-appointment="${id}"]`);
  [...elements].find((element) => element.offsetParent)?.focus();
}

let lastOpen = "";

/** Mark the card of the appointment in the panel. */
function markOpen(): void {
  const id = openAppointmentId();
  if (id) lastOpen = id;
  for (const card of document.querySelectorAll<HTMLElement>("[data-appointment]"))
    card.classList.toggle("open", card.dataset.appointment === id);
}
for (const panel of document.querySelectorAll("dialog.panel"))
  new MutationObserver(markOpen).observe(panel, { attributeFilter: ["open", "data-record-of"] });

get("appointment").addEventListener("close", ({ currentTarget: panel }) => {
  const focused = document.activeElement; // for a moment, this can still be a button in the panel
  if (!focused || focused === document.body || (panel as Element).contains(focused)) focusAppointment(lastOpen);
});

// The calendar's roles announce a table, but its content isn't one. For screen readers, make it a series of buttons.
new MutationObserver(() => {
  const selector = TABLE_ROLES.map((role) => `[role=${role}]`).join(", ");
  for (const element of get("board").querySelectorAll(selector))
    for (const name of TABLE_ATTRIBUTES) element.removeAttribute(name);
}).observe(get("board"), { subtree: true, childList: true, attributeFilter: ["role"] });

// --- choosing between board and list, and choosing rows and columns

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
dense.checked = localStorage.getItem("dense") === "yes";
dense.addEventListener("change", () => {
  localStorage.setItem("dense", dense.checked ? "yes" : "no");
  showDensity();
  draw();
});
const showDensity = (): void => void document.body.classList.toggle("dense", dense.checked);

document.addEventListener("click", (event) => {
  const element = event.target as Element;
  const isModified = event.ctrlKey || event.metaKey || event.shiftKey;
  const column = element.closest<HTMLElement>("[data-column]");
  if (column && !isModified && document.body.classList.contains("as-board")) {
    event.preventDefault();
    addedColumns.add(column.dataset.column!);
    column.remove();
    draw();
  }
  const cell = element.closest<HTMLElement>("[data-book]");
  if (cell) newBooking(cell.dataset.book!.slice(0, 16), cell.dataset.doctor);
  const proxy = element.closest<HTMLElement>("[data-clicks]");
  if (proxy) get(proxy.dataset.clicks!).click();
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]"))
    if (!menu.contains(element)) menu.open = false;
});

get("list").addEventListener("click", (event) => {
  const element = event.target as Element;
  const step = element.closest<HTMLElement>("[data-step]");
  const row = element.closest<HTMLElement>("[data-row]");
  if (step && row) return void takeStepQuickly(row.dataset.row!, step.dataset.step!);
  const link = element.closest<HTMLElement>("[data-appointment]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  openFrom(link.dataset.appointment!, event);
});

get("waiting").addEventListener("click", () => {
  const waiting = waitingFor();
  if (waiting) openAppointment(waiting.first.id);
});

/** When a new day begins at the clinic, mark it as today. A board that shows today moves on to it. */
setInterval(async () => {
  const today = dateOf(wallTime(new Date().toISOString()));
  if (today === board.today) {
    if (waitingFor() && !isDragging) draw(); // waiting times have grown
    return;
  }
  const wasToday = isDay && board.first === board.today;
  await refresh();
  const link = get<HTMLAnchorElement>("today");
  link.href = link.href.replace(/date=[\d-]+/, `date=${today}`);
  link.toggleAttribute("aria-current", board.first <= today && today <= board.last);
  if (wasToday && !document.querySelector("dialog[open]")) link.click();
}, 20_000);

document.documentElement.classList.add("scripting");
showDensity();
const isWide = matchMedia("(min-width: 40rem)").matches;
show(isWeekTable ? "list" : (localStorage.getItem("show") ?? (isWide ? "board" : "list")));
onRefresh.push(() => isDragging || draw());
onGhost.push(() => isDragging || draw());
listen();
listenForKeys(() => isWeekTable || show(document.body.classList.contains("as-board") ? "list" : "board"));
continueBooking();
const query = new URLSearchParams(location.search);
const requested = query.get("appointment");
if (requested) openAppointment(requested);
const patient = query.get("patient");
if (patient) void bookFor(patient);
