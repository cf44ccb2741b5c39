// Code shared by the board's scripts: the board's data, refreshing it, and access to the page.
import { readJson } from "./_api";
import { dateOf, instantOf, wallOf } from "./_zone";

export interface Appointment {
  id: string;
  version: number;
  doctorId: string;
  /** Null for a hold whose customer the clinic does not know yet. */
  customerId: string | null;
  patient: string;
  typeId: string | null;
  type: string | null;
  /** The type's colour, or null for an appointment without a type. */
  hue: number | null;
  video: boolean;
  /** Whether the video visit has a page. */
  hasCall: boolean;
  /** Whether the video visit's call has been ended. */
  callEnded: boolean;
  /** Whether the video visit's room could not be made. */
  callFailed: boolean;
  isFirst: boolean;
  start: string;
  end: string;
  startTime: string;
  endTime: string;
  /** The doctor's time that the appointment takes, including its buffers. */
  claimedFrom: string;
  claimedUntil: string;
  status: string;
  notes: string | null;
  staffNotes: string | null;
  cancelReason: string | null;
  needsRebooking: boolean;
  steps: string[];
  /** The steps to ask about first, because the appointment is on another day. */
  stepsToConfirm: string[];
  movable: boolean;
  arrivedAt: string | null;
  inRoomAt: string | null;
  /** How long the patient has been waiting; null if they are not waiting. */
  waitingMinutes: number | null;
}

/** A doctor's published hours, or the absence of one doctor or all of them. */
export interface TimeRange {
  doctorId: string | null;
  start: string;
  end: string;
  absence: boolean;
  reason: string | null;
}

export interface Doctor {
  id: string;
  name: string;
  specialty: string | null;
  /** The picture's path, in `Config`. */
  portrait?: string | null;
}

export interface Board {
  first: string;
  last: string;
  today: string;
  timeZone: string;
  offset: string;
  doctors: Doctor[];
  appointments: Appointment[];
  times: TimeRange[];
  list?: string;
}

interface Config {
  clinic: number;
  view: "day" | "week";
  doctor: string;
  /** All active doctors, even those who have nothing to show on these days. */
  doctors: Doctor[];
  /** The clinic's step between bookable times, in minutes. */
  slotStep: number;
  override: boolean;
  run: boolean;
  find: boolean;
  seePatients: boolean;
  statuses: Record<string, string>;
  offers: Record<string, string[] | null>;
  /** The minutes that the doctor needs before and after an appointment, by type. */
  buffers: Record<string, [number, number]>;
  words: Record<string, string>;
}

export interface Person {
  customerId: string;
  name: string;
  /** The date of birth and a contact, as the reader writes them. */
  description?: string;
  isPatient?: boolean;
}

export const config = readJson<Config>("board-about")!;
export let board = readJson<Board>("board-data")!;
export const { words } = config;
export const language = document.documentElement.lang;
export const zone = board.timeZone;

export const get = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
export const within = <T extends HTMLElement>(place: ParentNode, selector: string): T =>
  place.querySelector<T>(selector)!;
export const valueOf = (id: string): string => get<HTMLInputElement>(id).value;
export const setValue = (id: string, text: string): void => void (get<HTMLInputElement>(id).value = text);
/** How many times larger than usual the browser shows text. */
export const textScale = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1;
export const isDay = config.view === "day";
/** Whether the page shows a week of all doctors, which the server renders as a table. */
export const isWeekTable = !isDay && !config.doctor;

export const wallTime = (instant: string): string => wallOf(new Date(instant), zone);
/** Formats a time of day that is given as if it were UTC. */
export const clockFormat = new Intl.DateTimeFormat(language, { timeZone: "UTC", timeStyle: "short" });
const timeFormat = new Intl.DateTimeFormat(language, { timeZone: zone, timeStyle: "short" });
const dayFormat = new Intl.DateTimeFormat(language, {
  timeZone: zone,
  weekday: "short",
  day: "numeric",
  month: "short",
  year: "numeric",
});

const shortDayFormat = new Intl.DateTimeFormat(language, {
  timeZone: zone,
  weekday: "short",
  day: "numeric",
  month: "short",
});
const relativeFormat = new Intl.RelativeTimeFormat(language, { numeric: "auto" });

/** Format a time for a small button: “today 9:30 AM”, “Thu, Mar 4 9:30 AM”. */
export function formatChip(instant: Date): string {
  const days = (Date.parse(dateOf(wallOf(instant, zone))) - Date.parse(dateOf(wallOf(new Date(), zone)))) / 86_400_000;
  const day = Math.abs(days) <= 1 ? relativeFormat.format(days, "day") : shortDayFormat.format(instant);
  return `${day} ${timeFormat.format(instant)}`;
}

/** Format a time for the smallest buttons; today's times have no day. */
export function formatSoon(instant: Date): string {
  const isToday = dateOf(wallOf(instant, zone)) === dateOf(wallOf(new Date(), zone));
  return isToday ? timeFormat.format(instant) : formatChip(instant);
}

/** Format a local date: “Thu, Mar 4, 2027”. */
export const formatDay = (day: string): string => dayFormat.format(instantOf(`${day}T12:00`, zone));

/** Format a day and one or two times in the same way as the server. */
export function formatMoment(start: Date, end?: Date): string {
  const day = dayFormat.format(start);
  if (!end) return `${day}, ${timeFormat.format(start)}`;
  const isSameDay = day === dayFormat.format(end);
  const times = isSameDay
    ? timeFormat.formatRange(start, end)
    : `${timeFormat.format(start)} – ${timeFormat.format(end)}`;
  return `${day}, ${times}`;
}

export function doctorName(id: string): string {
  return [...board.doctors, ...config.doctors].find((doctor) => doctor.id === id)?.name ?? "";
}

/** The path of a doctor's picture, if there is one. */
export const portraitOf = (id: string): string | undefined =>
  config.doctors.find((doctor) => doctor.id === id)?.portrait ?? undefined;

export function findAppointment(id: string): Appointment | undefined {
  return board.appointments.find((appointment) => appointment.id === id);
}

/** Whether the board shows a day. */
export const isOnBoard = (day: string): boolean => board.first <= day && day <= board.last;

/** The URL of the board for another day. */
export const boardAddress = (day: string): string => `/staff/${config.clinic}/${config.view}?date=${day}`;

/** A time that the user is choosing, which the board shows before it is booked. */
export interface Ghost {
  wall: string;
  minutes: number;
  doctorId: string;
  hue: string;
  label: string;
  /** Whether the doctor is not free then. */
  taken?: boolean;
}
export let ghost: Ghost | undefined;

/** Show a chosen time on the board, or remove it. */
export function showGhost(chosen?: Ghost): void {
  ghost = chosen;
  for (const callback of onGhost) callback();
}

/** Callbacks to run when the user has chosen a different time. */
export const onGhost: (() => void)[] = [];
/** Callbacks to run after each refresh. */
export const onRefresh: (() => void)[] = [];
let refreshing: Promise<boolean> | undefined;
let isRefreshDue = false;

/** Refresh the board. Resolves to whether it worked. Calls made during a refresh share one more refresh after it. */
export function refresh(): Promise<boolean> {
  if (refreshing) isRefreshDue = true;
  refreshing ??= load()
    .finally(() => (refreshing = undefined))
    .then((succeeded) => {
      if (!isRefreshDue) return succeeded;
      isRefreshDue = false;
      return refresh();
    });
  return refreshing;
}

async function load(): Promise<boolean> {
  const query = new URLSearchParams({ from: board.first, to: board.last, doctor: config.doctor });
  let response: Response;
  try {
    response = await fetch(`/staff/${config.clinic}/board.json?${query}`);
  } catch {
    return false;
  }
  if (response.redirected && !document.querySelector("dialog[open] [data-typed]")) location.reload(); // to sign in
  if (!response.ok || response.redirected) return false;
  const data = await response.json().catch(() => undefined);
  if (!data) return false;
  board = data as Board;
  for (const callback of onRefresh) callback();
  return true;
}
