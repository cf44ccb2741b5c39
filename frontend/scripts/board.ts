// The board of a day or a week: what the server's list shows, drawn in time, and kept up to date while it is open.
import { type Calendar, createCalendar, Interaction, ResourceTimeGrid, TimeGrid } from "@event-calendar/core";
import { ask, element, read, Refused, type Problem } from "./_api";
import { instantOf, later, wallOf } from "./_zone";

interface Appointment {
  id: string; version: number; doctorId: string; customerId: string; patient: string; type: string | null; start: string; end: string; startTime: string; endTime: string;
  status: string; notes: string | null; cancelReason: string | null; needsRebooking: boolean; steps: string[]; movable: boolean;
}
interface Stretch { doctorId: string | null; start: string; end: string; absence: boolean; reason: string | null }
interface Board {
  first: string; last: string; today: string; timeZone: string; offset: string;
  doctors: { id: string; name: string; specialty: string | null }[]; appointments: Appointment[]; times: Stretch[]; list?: string;
}
interface About {
  clinic: number; view: "day" | "week"; doctor: string; override: boolean; find: boolean; seePatients: boolean; statuses: Record<string, string>; offers: Record<string, string[] | null>; words: Record<string, string>;
}
interface Person { customerId: string; name: string; email?: string | null; phone?: string | null; birthDate?: string | null; isPatient?: boolean }
type Answered = Pick<Appointment, "id" | "version" | "startTime">;

const about = read<About>("board-about")!;
let board = read<Board>("board-data")!;
const { words } = about;
const language = document.documentElement.lang;
const get = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const within = <T extends HTMLElement>(place: Element, selector: string): T => place.querySelector<T>(selector)!;
const zone = board.timeZone;
const wall = (instant: string): string => wallOf(new Date(instant), zone);
const moment = new Intl.DateTimeFormat(language, { timeZone: zone, weekday: "short", day: "numeric", month: "short", hour: "numeric", minute: "2-digit" });
const clock = new Intl.DateTimeFormat(language, { timeZone: "UTC", hour: "numeric", minute: "2-digit" });
const doctorName = (id: string): string =>
  board.doctors.find((each) => each.id === id)?.name ?? get<HTMLSelectElement>("book-doctor").querySelector(`option[value="${id}"]`)?.textContent ?? "";
const find = (id: string): Appointment | undefined => board.appointments.find((each) => each.id === id);
const say = (text: string): void => void (get("told").textContent = text);

// --- what is drawn

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
      const who = each.doctorId === null ? words["closed"]! : column ? words["away"]! : `${doctorName(each.doctorId)}: ${words["away"]}`;
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
  const detail = about.view === "day" ? each.type : doctorName(each.doctorId);
  const status = each.needsRebooking ? `${about.statuses[each.status]}, ${words["rebook"]}` : about.statuses[each.status]!;
  const parts: (Node | string)[] = [
    element("span", about.view === "day" ? {} : { class: "unseen" }, clock.format(new Date(`${each.start}Z`))), element("strong", {}, each.patient), ...notes,
    element("em", {}, status), element("span", {}, detail ?? ""), element("span", { class: "unseen" }, about.view === "day" ? doctorName(each.doctorId) : ""),
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

function draw(): void {
  const focused = document.activeElement?.closest<HTMLElement>("[data-appointment]")?.dataset.appointment;
  if (calendar) for (const [name, value] of Object.entries(options())) calendar.setOption(name as keyof Calendar.Options, value as never);
  else if (document.body.classList.contains("as-board"))
    calendar = createCalendar(get("board"), [Interaction, about.view === "day" ? ResourceTimeGrid : TimeGrid], {
      view: about.view === "day" ? "resourceTimeGridDay" : "timeGridWeek",
      date: board.first, firstDay: 1, locale: language, height: "auto", headerToolbar: { start: "", center: "", end: "" },
      allDaySlot: false, slotDuration: "00:15", slotLabelInterval: "01:00", slotHeight: 22, slotEventOverlap: false, nowIndicator: true, pointer: true, columnWidth: about.view === "day" ? "minmax(9rem, 1fr)" : "minmax(6rem, 1fr)",
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
      eventDrop: (drop) => void dropped(drop),
      ...options(),
    });
  get("nobody").hidden = board.times.some((each) => !each.absence);
  if (board.list !== undefined) get("list").innerHTML = board.list;
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
for (const id of ["date", "doctor"]) document.getElementById(id)?.addEventListener("change", () => get<HTMLInputElement>("date").value && get<HTMLFormElement>("go").submit());
get("list").addEventListener("click", (event) => {
  const link = (event.target as Element).closest<HTMLElement>("[data-appointment]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(link.dataset.appointment!);
});

// --- kept up to date

let looking: Promise<void> | undefined;
let again = false;

/** Read what is there now. Of several calls at once the last is answered by a look that began after it. */
function refresh(): Promise<void> {
  if (looking) again = true;
  return (looking ??= look().finally(() => {
    looking = undefined;
    if (again) {
      again = false;
      return refresh();
    }
    return undefined;
  }));
}

async function look(): Promise<void> {
  const query = new URLSearchParams({ from: board.first, to: board.last, doctor: about.doctor });
  let response: Response;
  try {
    response = await fetch(`/staff/${about.clinic}/board.json?${query}`);
  } catch {
    return lost();
  }
  if (response.redirected) return location.reload(); // to the sign-in
  if (!response.ok) return lost();
  board = (await response.json()) as Board;
  if (dragged) return; // until it is dropped, which looks again
  draw();
  const shown = opened && find(opened.id);
  if (opened && shown && shown.version !== opened.version && !get<HTMLDialogElement>("appointment").querySelector("[data-typed]")) fill(shown);
}

const SILENCE = 40_000;
let source: EventSource | undefined;
let heard = 0;
let retry = 0;
let soon = 0;

function listen(): void {
  source?.close();
  clearTimeout(retry);
  heard = Date.now();
  const opening = (source = new EventSource(`/staff/${about.clinic}/changes`));
  const alive = (): void => {
    heard = Date.now();
    get("lost").hidden = true;
  };
  opening.addEventListener("beat", alive);
  opening.addEventListener("changed", () => {
    alive();
    clearTimeout(soon);
    soon = window.setTimeout(() => void refresh(), 150);
  });
  opening.onerror = () => opening === source && lost();
}

function lost(): void {
  get("lost").hidden = false;
  sleep();
  retry = window.setTimeout(wake, 3000);
}

/** After a sleep, or when the network is back: listen again, and see what was missed. */
function wake(): void {
  if (!source || Date.now() - heard > SILENCE) listen();
  void refresh();
}
setInterval(() => Date.now() - heard > SILENCE && source && lost(), 5000);
window.addEventListener("online", wake);
window.addEventListener("offline", lost);
window.addEventListener("pageshow", (event) => event.persisted && wake());
document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? wake() : sleep()));
window.addEventListener("pagehide", sleep);

/** A window that nobody sees leaves the few connections of a browser to those that are seen. */
function sleep(): void {
  source?.close();
  source = undefined;
  clearTimeout(retry);
}

// --- refusals: why, what else there is, and whether it is done all the same

const ASIDE = ["too-soon", "too-far", "outside-hours", "customer-busy", "too-late"];
interface Way { place: Element; alternative?: (startTime: string, doctorId: string) => void; aside?: (allow: string[], reason: string) => void; allowed?: string[] }

function refuse(problem: Problem, way: Way): void {
  const made = get<HTMLTemplateElement>("refusal").content.cloneNode(true) as DocumentFragment;
  within(made.firstElementChild!, "[data-title]").textContent = problem.title;
  const faults = (problem.errors ?? []).map((each) => `${each.pointer.replace("#/", "")}: ${each.detail}`);
  within(made.firstElementChild!, "[data-detail]").textContent = faults.length ? faults.join("; ") : problem.detail === problem.title ? "" : problem.detail;
  const { alternative, aside } = way;
  if (alternative)
    within(made.firstElementChild!, "[data-alternatives]").append(
      ...(problem.alternatives ?? []).map((each) => {
        const button = element("button", { type: "button" }, moment.format(new Date(each.startTime)), element("small", {}, doctorName(each.doctorId)));
        button.addEventListener("click", () => alternative(each.startTime, each.doctorId));
        return element("li", {}, button);
      }),
    );
  const reason = problem.reason ?? "";
  if (aside && about.override && ASIDE.includes(reason)) {
    const form = within<HTMLFormElement>(made.firstElementChild!, "[data-override]");
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      aside([...(way.allowed ?? []), reason], within<HTMLInputElement>(form, "input").value.trim());
    });
  }
  way.place.replaceChildren(made);
  way.place.scrollIntoView({ block: "nearest" });
}

/** Do something, with its button busy meanwhile; a refusal is told. Whether it was done. */
async function attempt(does: () => Promise<unknown>, way: Way): Promise<boolean> {
  const dialog = way.place.closest("dialog")!;
  if (dialog.hasAttribute("aria-busy")) return false;
  dialog.setAttribute("aria-busy", "true");
  try {
    await does();
    way.place.replaceChildren();
    return true;
  } catch (refusal) {
    if (!(refusal instanceof Refused)) throw refusal;
    const { problem } = refusal;
    await refresh();
    if (problem.status === 412 || problem.reason === "wrong-status") {
      const now = opened && find(opened.id);
      if (now) fill(now);
      refuse({ ...problem, title: words["changed"]!, detail: problem.status === 412 ? "" : problem.detail }, { place: way.place });
    } else refuse(problem, way);
    return false;
  } finally {
    dialog.removeAttribute("aria-busy");
  }
}

// --- an appointment

let opened: Appointment | undefined;
const sheet = get<HTMLDialogElement>("appointment");
const refusal = within(sheet, "[data-refusal]");
const value = (id: string): string => get<HTMLInputElement>(id).value;
const setValue = (id: string, text: string): void => void (get<HTMLInputElement>(id).value = text);
const matching = (each: Appointment): Record<string, string> => ({ "If-Match": `"v${each.version}"` });

function fill(each: Appointment): void {
  opened = each;
  const patient = within<HTMLAnchorElement>(sheet, "[data-patient]");
  patient.textContent = each.patient;
  if (about.seePatients) patient.href = `/staff/${about.clinic}/patients/${each.customerId}`;
  within(sheet, "[data-when]").textContent = moment.formatRange(new Date(each.startTime), new Date(each.endTime));
  within(sheet, "[data-with]").textContent = doctorName(each.doctorId);
  within(sheet, "[data-type]").textContent = each.type ?? "–";
  const status = within(sheet, "[data-status]");
  status.textContent = about.statuses[each.status]!;
  status.className = `badge ${each.status}`;
  within(sheet, "[data-rebook]").hidden = !each.needsRebooking;
  within(sheet, "[data-reason]").textContent = each.cancelReason ?? "";
  const started = new Date(each.startTime).getTime() <= Date.now();
  sheet.querySelectorAll<HTMLElement>("[data-step]").forEach((button) => {
    button.hidden = !each.steps.includes(button.dataset.step!) || (button.dataset.step === "noShow" && !started);
  });
  setValue("notes", each.notes ?? "");
  setValue("move-date", each.start.slice(0, 10));
  setValue("move-time", each.start.slice(11, 16));
  setValue("move-doctor", each.doctorId);
  get("moving").hidden = !each.movable;
  get("cancelling").hidden = !each.steps.includes("cancel");
  sheet.querySelectorAll("[data-typed]").forEach((typed) => typed.removeAttribute("data-typed"));
}

function open(id: string): void {
  const each = find(id);
  if (!each) return;
  refusal.replaceChildren();
  sheet.querySelectorAll("details").forEach((details) => (details.open = false));
  setValue("reason", "");
  fill(each);
  if (!sheet.open) sheet.showModal();
}
sheet.addEventListener("input", (event) => (event.target as Element).setAttribute("data-typed", ""));
sheet.addEventListener("close", () => (opened = undefined));

/** Look again, and show the appointment as it is now. */
async function done(text: string): Promise<void> {
  const id = opened?.id;
  await refresh();
  say(text);
  const now = id && find(id);
  if (now && sheet.open) fill(now);
  else sheet.close();
}

sheet.querySelectorAll<HTMLElement>("[data-step]").forEach((button) =>
  button.addEventListener("click", async () => {
    const each = opened!;
    if (await attempt(() => ask("POST", `/api/appointments/${each.id}/${button.dataset.step}`), { place: refusal })) {
      await done(words["saved"]!);
      sheet.querySelector<HTMLElement>("[data-step]:not([hidden])")?.focus();
    }
  }),
);

get("noting").addEventListener("submit", async (event) => {
  event.preventDefault();
  const each = opened!;
  const notes = value("notes").trim() || null;
  if (await attempt(() => ask("PATCH", `/api/appointments/${each.id}`, { notes }, matching(each)), { place: refusal })) await done(words["saved"]!);
});

async function cancel(override?: { allow: string[]; reason: string }): Promise<void> {
  const each = opened!;
  const query = new URLSearchParams();
  if (value("reason").trim()) query.set("reason", value("reason").trim());
  if (override) {
    query.set("override", "too-late");
    query.set("overrideReason", override.reason);
  }
  const way = { place: refusal, aside: (allow: string[], reason: string) => void cancel({ allow, reason }) };
  if (await attempt(() => ask("DELETE", `/api/appointments/${each.id}${query.size ? `?${query}` : ""}`, undefined, matching(each)), way)) await done(words["cancelled"]!);
}
within(get("cancelling"), "form").addEventListener("submit", (event) => {
  event.preventDefault();
  void cancel();
});

/** Move the open appointment; one that goes to another day is followed there. */
async function move(each: Appointment, to: string, doctorId: string, override?: { allow: string[]; reason: string }): Promise<boolean> {
  const startTime = instantOf(to, zone).toISOString();
  const way = {
    place: refusal, allowed: override?.allow ?? [],
    alternative: (start: string, doctor: string) => void move(each, wall(start), doctor),
    aside: (allow: string[], reason: string) => void move(each, to, doctorId, { allow, reason }),
  };
  if (!(await attempt(() => ask<Answered>("PUT", `/api/appointments/${each.id}`, { startTime, doctorId, ...(override ? { override } : {}) }, matching(each)), way))) return false;
  const day = to.slice(0, 10);
  if (day < board.first || day > board.last) location.assign(`/staff/${about.clinic}/${about.view}?date=${day}&appointment=${each.id}`);
  else await done(words["moved"]!);
  return true;
}
within(get("moving"), "form").addEventListener("submit", (event) => {
  event.preventDefault();
  void move(opened!, `${value("move-date")}T${value("move-time")}`, value("move-doctor"));
});

/** A drop is a move; when it is refused the appointment goes back, and its dialog says why. */
async function dropped(drop: Calendar.EventDropInfo): Promise<void> {
  const each = find(String(drop.event.id))!;
  const to = later(each.start, drop.delta.days * 1440 + drop.delta.seconds / 60);
  const doctorId = drop.newResource?.id ?? each.doctorId;
  try {
    await ask<Answered>("PUT", `/api/appointments/${each.id}`, { startTime: instantOf(to, zone).toISOString(), doctorId }, matching(each));
    say(`${each.patient}: ${words["moved"]}`);
    await refresh();
  } catch (refused) {
    drop.revert();
    if (!(refused instanceof Refused)) throw refused;
    await refresh();
    open(each.id);
    setValue("move-date", to.slice(0, 10));
    setValue("move-time", to.slice(11, 16));
    setValue("move-doctor", doctorId);
    get<HTMLDetailsElement>("moving").open = true;
    const { problem } = refused;
    if (problem.status === 412) return refuse({ ...problem, title: words["changed"]!, detail: "" }, { place: refusal });
    refuse(problem, {
      place: refusal,
      alternative: (start, doctor) => void move(find(each.id) ?? each, wall(start), doctor),
      aside: (allow, reason) => void move(find(each.id) ?? each, to, doctorId, { allow, reason }),
    });
  }
}

// --- a new one

const book = get<HTMLDialogElement>("book");
const bookRefusal = within(book, "[data-refusal]");
const typeOf = get<HTMLSelectElement>("book-type");
let person: Person | undefined;
let searching = 0;

function choose(chosen: Person | undefined, isNew = false): void {
  person = chosen;
  get("chosen").hidden = !chosen;
  get("finding").hidden = Boolean(chosen) || isNew;
  get("new-patient").hidden = !isNew;
  get<HTMLFieldSetElement>("new-patient").disabled = !isNew;
  get<HTMLInputElement>("person-name").required = isNew;
  if (chosen) {
    within(get("chosen"), "strong").textContent = chosen.name;
    within(get("chosen"), "small").textContent = known(chosen);
  }
}

const known = (each: Person): string => [each.birthDate && new Intl.DateTimeFormat(language, { timeZone: "UTC" }).format(new Date(each.birthDate)), each.phone, each.email].filter(Boolean).join(" · ");

function newBooking(at?: string, doctorId?: string): void {
  bookRefusal.replaceChildren();
  get<HTMLFormElement>("booking").reset();
  get("people").replaceChildren();
  choose(undefined);
  const now = wallOf(new Date(), zone);
  const day = now.slice(0, 10) >= board.first && now.slice(0, 10) <= board.last ? now.slice(0, 10) : board.first;
  const start = at ?? (day === now.slice(0, 10) ? later(now, 15 - (Number(now.slice(14, 16)) % 15)) : (board.times.find((each) => !each.absence)?.start ?? `${day}T09:00`));
  setValue("book-date", start.slice(0, 10));
  setValue("book-time", start.slice(11, 16));
  const open = board.times.filter((each) => !each.absence);
  const doctor = doctorId || about.doctor || (open.find((each) => each.start <= start && start < each.end) ?? open[0])?.doctorId || board.doctors[0]?.id;
  if (doctor) setValue("book-doctor", doctor);
  offer();
  book.showModal();
  get("who").focus();
}
get("new").addEventListener("click", () => newBooking());

const length = (): void => void (get("length").hidden = typeOf.value !== "");
typeOf.addEventListener("change", length);

/** Only what the doctor does can be chosen. */
function offer(): void {
  const offered = about.offers[value("book-doctor")];
  for (const each of typeOf.options) each.hidden = each.disabled = Boolean(offered && each.value && !offered.includes(each.value));
  if (typeOf.selectedOptions[0]?.disabled ?? true) typeOf.value = [...typeOf.options].find((each) => !each.disabled)!.value;
  length();
}
get("book-doctor").addEventListener("change", offer);

/** Who fits: the clinic's patients, and by a whole address or number customers of others. */
async function people(text: string): Promise<Person[]> {
  const found = (await ask<{ items: Person[] }>("GET", `/api/clinics/${about.clinic}/patients?${new URLSearchParams({ q: text, limit: "8" })}`)).items;
  const exact = /^\S+@\S+\.\S+$/.test(text) ? "email" : /^\+?[\d\s()/.-]{6,}$/.test(text) ? "phone" : "";
  if (!about.find || !exact) return found;
  try {
    const others = (await ask<{ items: Person[] }>("GET", `/api/clinics/${about.clinic}/customers?${new URLSearchParams({ [exact]: text })}`)).items;
    return [...found, ...others.filter((each) => !found.some((same) => same.customerId === each.customerId))];
  } catch (refused) {
    if (refused instanceof Refused) return found; // not yet a whole number
    throw refused;
  }
}

async function suggest(): Promise<void> {
  const text = value("who").trim();
  const asked = ++searching;
  if (text.length < 2) return get("people").replaceChildren();
  const found = await people(text).catch((refused: unknown) => {
    if (refused instanceof Refused) refuse(refused.problem, { place: bookRefusal });
    return [];
  });
  if (asked !== searching) return;
  const choices = found.map((each) => {
    const button = element("button", { type: "button" }, element("strong", {}, each.name), element("small", {}, each.isPatient === false ? words["elsewhere"]! : known(each)));
    button.addEventListener("click", () => {
      choose(each);
      typeOf.focus();
    });
    return button;
  });
  const add = element("button", { type: "button" }, words["add"]!.replace("{name}", text));
  add.addEventListener("click", () => {
    choose(undefined, true);
    setValue("person-name", text.includes("@") || /\d/.test(text) ? "" : text);
    if (text.includes("@")) setValue("person-email", text);
    else if (/\d/.test(text)) setValue("person-phone", text);
    get("person-name").focus();
  });
  get("people").replaceChildren(...[...choices, add].map((each) => element("li", {}, each)));
}
let typing = 0;
get("who").addEventListener("input", () => {
  clearTimeout(typing);
  typing = window.setTimeout(() => void suggest(), 200);
});
get("finding").addEventListener("keydown", (event) => {
  const all = [get("who"), ...get("people").querySelectorAll("button")];
  const at = all.indexOf(document.activeElement as HTMLElement);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    all[at + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
  } else if (event.key === "Enter" && at === 0) event.preventDefault();
});
for (const id of ["another", "not-new"])
  get(id).addEventListener("click", () => {
    choose(undefined);
    get("who").focus();
  });

async function bookIt(override?: { allow: string[]; reason: string }): Promise<void> {
  const isNew = !get("new-patient").hidden;
  if (!person && !isNew) {
    refuse({ title: words["choose"]!, detail: "", status: 0 }, { place: bookRefusal });
    return get("who").focus();
  }
  const start = `${value("book-date")}T${value("book-time")}`;
  const ends = (): string => instantOf(later(start, Number(value("book-minutes"))), zone).toISOString();
  const way = {
    place: bookRefusal, allowed: override?.allow ?? [],
    alternative: (startTime: string, doctorId: string) => {
      const at = wall(startTime);
      setValue("book-date", at.slice(0, 10));
      setValue("book-time", at.slice(11, 16));
      setValue("book-doctor", doctorId); // who offers what was chosen
      void bookIt();
    },
    aside: (allow: string[], reason: string) => void bookIt({ allow, reason }),
  };
  const made = await attempt(async () => {
    if (isNew) {
      const content = { name: value("person-name").trim(), email: value("person-email").trim() || null, phone: value("person-phone").trim() || null, timeZone: zone };
      const customer = await ask<{ id: string; name: string; email: string | null; phone: string | null }>("POST", "/api/customers", content);
      choose({ ...customer, customerId: customer.id }); // whatever becomes of the booking
    }
    const what = typeOf.value ? { appointmentTypeId: typeOf.value } : { endTime: ends() };
    const wish = { customerId: person!.customerId, doctorId: value("book-doctor"), startTime: instantOf(start, zone).toISOString(), notes: value("book-notes").trim() || null, ...what };
    await ask<Answered>("POST", "/api/appointments", { ...wish, ...(override ? { override } : {}) });
  }, way);
  if (!made) return;
  book.close();
  const day = start.slice(0, 10);
  if (value("book-date") < board.first || value("book-date") > board.last) return location.assign(`/staff/${about.clinic}/${about.view}?date=${value("book-date") || day}`);
  await refresh();
  say(`${person!.name}: ${words["booked"]}`);
}
get("booking").addEventListener("submit", (event) => {
  event.preventDefault();
  void bookIt();
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
listen();
const wished = new URLSearchParams(location.search).get("appointment");
if (wished) open(wished);
