// The board of a day, or of a doctor's week: what the server's list shows, drawn in time.
import { type Calendar, createCalendar, Interaction, ResourceTimeGrid, TimeGrid } from "@event-calendar/core";
import { element } from "./_api";
import { dropped, open } from "./_appointment";
import { about, type Appointment, board, clock, doctorName, get, language, looked, wall, words } from "./_board";
import { newBooking } from "./_booking";
import { listen } from "./_live";
import { later } from "./_zone";

const statuses = get<HTMLSelectElement>("statuses");
const isShown = (status: string): boolean => statuses.value.split(" ").includes(status);

function drawn(each: Appointment): Calendar.EventInput {
  return {
    id: each.id, resourceIds: [each.doctorId], start: each.start, end: each.end, title: each.patient, startEditable: each.movable,
    classNames: ["appointment", each.status, ...(each.needsRebooking ? ["rebook"] : []), ...(each.end < later(each.start, 30) ? ["short"] : [])], extendedProps: { appointment: each },
  };
}

/** The times that nobody, or no doctor of a column, can be booked in: what lies between the published ones. */
function closed(from: string, until: string): Calendar.EventInput[] {
  const columns = about.view === "day" ? board.doctors.map((each) => each.id) : [""];
  const days: string[] = [];
  for (let day = board.first; day <= board.last; day = later(`${day}T00:00`, 1440).slice(0, 10)) days.push(day);
  const found: Calendar.EventInput[] = [];
  for (const column of columns) {
    const open = board.times.filter((each) => !each.absence && (!column || each.doctorId === column));
    for (const day of days) {
      let start = `${day}T${from}`;
      const end = until === "24:00" ? `${later(`${day}T00:00`, 1440).slice(0, 10)}T00:00` : `${day}T${until}`;
      for (const each of open.filter((other) => other.start < end && other.end > start)) {
        if (each.start > start) found.push({ resourceIds: column ? [column] : [], start, end: each.start, display: "background", classNames: ["closed"] });
        if (each.end > start) start = each.end;
      }
      if (start < end) found.push({ resourceIds: column ? [column] : [], start, end, display: "background", classNames: ["closed"] });
    }
    for (const each of board.times.filter((other) => other.absence && (!column || other.doctorId === null || other.doctorId === column))) {
      const who = each.doctorId === null ? words["closed"]! : words["away"]!;
      found.push({ resourceIds: column ? [column] : [], start: each.start, end: each.end, title: [who, each.reason].filter(Boolean).join(" · "), display: "background", classNames: ["absence"] });
    }
  }
  return found;
}

/** The hours that are drawn: all that is published or booked, and an hour more. */
function limits(): { slotMinTime: string; slotMaxTime: string } {
  const hour = (each: string): number => Number(each.slice(11, 13));
  const on = [...board.appointments, ...board.times.filter((each) => !each.absence)];
  const ends = on.map((each) => (each.end.slice(0, 10) > each.start.slice(0, 10) ? 24 : hour(each.end) + (each.end.slice(14, 16) > "00" ? 1 : 0)));
  const two = (number: number): string => `${String(number).padStart(2, "0")}:00`;
  return { slotMinTime: two(Math.max(0, Math.min(9, ...on.map((each) => hour(each.start))) - 1)), slotMaxTime: two(Math.min(24, Math.max(17, ...ends) + 1)) };
}

/** Where a board begins that is higher than its window: an hour before now, or at the first hour. */
function scrollTime(): string {
  const now = wall(new Date().toISOString());
  return board.first <= now.slice(0, 10) && now.slice(0, 10) <= board.last && now.slice(11, 13) > "00" ? later(now, -60).slice(11, 16) : limits().slotMinTime;
}

function options(): Calendar.Options {
  const { slotMinTime, slotMaxTime } = limits();
  return {
    timeZone: board.offset, slotMinTime, slotMaxTime,
    resources: board.doctors.map((each) => ({ id: each.id, title: each.name, extendedProps: { specialty: each.specialty } })),
    events: [...closed(slotMinTime, slotMaxTime), ...board.appointments.filter((each) => isShown(each.status)).map(drawn)],
  };
}

function content({ event }: Calendar.EventContentInfo): Calendar.Content {
  const each = event.extendedProps["appointment"] as Appointment | undefined;
  if (!each) return { domNodes: event.title ? [element("span", {}, String(event.title))] : [] };
  const notes = each.notes ? [element("span", { class: "noted", role: "img", "aria-label": words["noted"]!, title: each.notes }, "✎")] : [];
  const status = each.needsRebooking ? `${about.statuses[each.status]}, ${words["rebook"]}` : about.statuses[each.status]!;
  const parts: (Node | string)[] = [
    element("span", about.view === "day" ? {} : { class: "unseen" }, clock.format(new Date(`${each.start}Z`))), element("strong", {}, each.patient), ...notes,
    element("em", {}, status), element("span", {}, each.type ?? ""), element("span", { class: "unseen" }, doctorName(each.doctorId)),
  ];
  return { domNodes: [element("div", {}, ...parts.flatMap((part) => [part, " "]))] };
}

// The calendar says that it is a table, which what stands in it is not: for who listens it is a stretch of buttons.
new MutationObserver(() => {
  for (const each of get("board").querySelectorAll(":is([role=table], [role=rowgroup], [role=row], [role=cell], [role=columnheader], [role=rowheader])"))
    ["role", "aria-colindex", "aria-rowindex", "aria-colspan", "aria-colcount", "aria-rowcount"].forEach((name) => each.removeAttribute(name));
}).observe(get("board"), { subtree: true, childList: true, attributeFilter: ["role"] });

let calendar: Calendar | undefined;
let dragged = false;
const shown = new Map<string, string>();

/** Whether a value has changed since it was drawn. Needless redrawing would remove elements under the pointer. */
function isNews(name: string, value: unknown): boolean {
  const now = JSON.stringify(value);
  const before = shown.get(name);
  shown.set(name, now);
  return before !== now;
}

function draw(): void {
  const focused = document.activeElement?.closest<HTMLElement>("[data-appointment]")?.dataset.appointment;
  const now = options();
  if (calendar) {
    for (const [name, value] of Object.entries(now)) if (isNews(name, value)) calendar.setOption(name as keyof Calendar.Options, value as never);
  } else if (document.body.classList.contains("as-board")) {
    for (const [name, value] of Object.entries(now)) isNews(name, value);
    calendar = createCalendar(get("board"), [Interaction, about.view === "day" ? ResourceTimeGrid : TimeGrid], {
      view: about.view === "day" ? "resourceTimeGridDay" : "timeGridWeek",
      date: board.first, firstDay: 1, locale: language, height: "auto", headerToolbar: { start: "", center: "", end: "" },
      allDaySlot: false, slotDuration: "00:15", slotLabelInterval: "01:00", slotLabelFormat: { timeStyle: "short" }, slotHeight: 22, slotEventOverlap: false, nowIndicator: true, pointer: true, columnWidth: about.view === "day" ? "minmax(9rem, 1fr)" : "minmax(5.4rem, 1fr)", scrollTime: scrollTime(),
      editable: true, eventDurationEditable: false, eventStartEditable: true, snapDuration: "00:05", eventLongPressDelay: 400,
      dayHeaderFormat: { weekday: "short", day: "numeric", month: "short" },
      resourceLabelContent: ({ resource }) => ({
        domNodes: [element("strong", {}, String(resource.title)), ...(resource.extendedProps["specialty"] ? [element("small", {}, String(resource.extendedProps["specialty"]))] : [])],
      }),
      eventContent: content,
      eventDidMount: ({ el, event }) => void (event.display === "auto" && (el.dataset.appointment = String(event.id))),
      eventClick: ({ event }) => open(String(event.id)),
      dateClick: (click) => newBooking(click.dateStr.slice(0, 16), click.resource?.id),
      eventDragStart: () => void (dragged = true),
      eventDragStop: () => void (dragged = false),
      eventDrop: (drop) => {
        shown.delete("events"); // which are not as they were drawn
        void dropped(drop);
      },
      ...now,
    });
  }
  get("nobody").hidden = board.times.some((each) => !each.absence);
  if (board.list !== undefined && isNews("list", board.list)) get("list").innerHTML = board.list;
  document.querySelectorAll<HTMLElement>("#list [data-status]").forEach((row) => (row.hidden = !isShown(row.dataset.status!)));
  if (focused && document.activeElement === document.body) [...document.querySelectorAll<HTMLElement>(`[data-appointment="${focused}"]`)].find((each) => each.offsetParent)?.focus();
}

// --- as a board or a list

function show(as: string): void {
  document.body.classList.toggle("as-board", as === "board");
  document.body.classList.toggle("as-list", as === "list");
  document.querySelectorAll<HTMLElement>("[data-show]").forEach((each) => each.setAttribute("aria-pressed", String(each.dataset.show === as)));
  draw();
}
document.querySelectorAll<HTMLElement>("[data-show]").forEach((each) =>
  each.addEventListener("click", () => {
    localStorage.setItem("show", each.dataset.show!);
    show(each.dataset.show!);
  }),
);
statuses.addEventListener("change", draw);

// A date that is typed is whole when the field is left, or with the enter key: before, each digit makes it another one.
const go = get<HTMLFormElement>("go");
const date = get<HTMLInputElement>("date");
let typing = false;
date.addEventListener("keydown", (event) => {
  typing = true;
  if (event.key === "Enter" && date.value !== date.defaultValue) go.requestSubmit();
});
date.addEventListener("pointerdown", () => (typing = false));
date.addEventListener("change", () => typing || go.requestSubmit());
date.addEventListener("blur", () => typing && date.value !== date.defaultValue && go.requestSubmit());
document.getElementById("doctor")?.addEventListener("change", () => go.requestSubmit());

get("list").addEventListener("click", (event) => {
  const link = (event.target as Element).closest<HTMLElement>("[data-appointment]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(link.dataset.appointment!);
});

// --- keys

const keys = get<HTMLInputElement>("keys");
keys.checked = localStorage.getItem("keys") !== "off";
keys.addEventListener("change", () => localStorage.setItem("keys", keys.checked ? "on" : "off"));
document.addEventListener("keydown", (event) => {
  const target = event.target as Element;
  if (!keys.checked || event.ctrlKey || event.altKey || event.metaKey || target.matches("input, select, textarea") || document.querySelector("dialog[open]")) return;
  const does: Record<string, () => void> = {
    t: () => get("today").click(),
    n: () => newBooking(),
    l: () => show(document.body.classList.contains("as-board") ? "list" : "board"),
    "/": () => get("q").focus(),
    "?": () => get<HTMLDialogElement>("help").showModal(),
  };
  const turns = document.documentElement.dir === "rtl" ? { ArrowLeft: "after", ArrowRight: "before" } : { ArrowLeft: "before", ArrowRight: "after" };
  const turn = event.shiftKey ? turns[event.key as keyof typeof turns] : undefined;
  if (turn) get(turn).click();
  else if (does[event.key]) does[event.key]!();
  else return;
  event.preventDefault();
});

document.documentElement.classList.add("scripting");
show(localStorage.getItem("show") ?? (matchMedia("(min-width: 52rem)").matches ? "board" : "list"));
looked.push(() => dragged || draw());
listen();
const wished = new URLSearchParams(location.search).get("appointment");
if (wished) open(wished);
