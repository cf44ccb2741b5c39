// Shared by the board's scripts: its data, refreshing it, and access to the page.
import { read } from "./_api";
import { wallOf } from "./_zone";

export interface Appointment {
  id: string; version: number; doctorId: string; customerId: string; patient: string; type: string | null; start: string; end: string; startTime: string; endTime: string;
  status: string; notes: string | null; cancelReason: string | null; needsRebooking: boolean; steps: string[]; movable: boolean;
}
export interface Stretch { doctorId: string | null; start: string; end: string; absence: boolean; reason: string | null }
export interface Board {
  first: string; last: string; today: string; timeZone: string; offset: string;
  doctors: { id: string; name: string; specialty: string | null }[]; appointments: Appointment[]; times: Stretch[]; list?: string;
}
interface About {
  clinic: number; view: "day" | "week"; doctor: string; override: boolean; find: boolean; seePatients: boolean; statuses: Record<string, string>; offers: Record<string, string[] | null>; words: Record<string, string>;
}
export interface Person { customerId: string; name: string; email?: string | null; phone?: string | null; birthDate?: string | null; isPatient?: boolean }
export type Answered = Pick<Appointment, "id" | "version" | "startTime">;

export const about = read<About>("board-about")!;
export let board = read<Board>("board-data")!;
export const { words } = about;
export const language = document.documentElement.lang;
export const get = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
export const within = <T extends HTMLElement>(place: Element, selector: string): T => place.querySelector<T>(selector)!;
export const zone = board.timeZone;
export const wall = (instant: string): string => wallOf(new Date(instant), zone);
const day = new Intl.DateTimeFormat(language, { timeZone: zone, weekday: "short", day: "numeric", month: "short", year: "numeric" });
const time = new Intl.DateTimeFormat(language, { timeZone: zone, timeStyle: "short" });
/** A day and a time, or two, as the server writes them. */
export function moment(start: Date, end?: Date): string {
  const sameDay = end && day.format(start) === day.format(end);
  return `${day.format(start)}, ${sameDay ? time.formatRange(start, end) : [start, end].flatMap((each) => (each ? time.format(each) : [])).join(" – ")}`;
}
export const clock = new Intl.DateTimeFormat(language, { timeZone: "UTC", timeStyle: "short" });
export const doctorName = (id: string): string =>
  board.doctors.find((each) => each.id === id)?.name ?? get<HTMLSelectElement>("book-doctor").querySelector(`option[value="${id}"]`)?.textContent ?? "";
export const find = (id: string): Appointment | undefined => board.appointments.find((each) => each.id === id);
export const say = (text: string): void => void (get("told").textContent = text);
export const value = (id: string): string => get<HTMLInputElement>(id).value;
export const setValue = (id: string, text: string): void => void (get<HTMLInputElement>(id).value = text);

/** Callbacks to run after each refresh. */
export const looked: (() => void)[] = [];
let looking: Promise<boolean> | undefined;
let again = false;

/** Refresh the board; resolves to whether it worked. Calls during a refresh are answered by another one that starts after it. */
export function refresh(): Promise<boolean> {
  if (looking) again = true;
  return (looking ??= look().finally(() => (looking = undefined)).then((done) => {
    if (!again) return done;
    again = false;
    return refresh();
  }));
}

async function look(): Promise<boolean> {
  const query = new URLSearchParams({ from: board.first, to: board.last, doctor: about.doctor });
  let response: Response;
  try {
    response = await fetch(`/staff/${about.clinic}/board.json?${query}`);
  } catch {
    return false;
  }
  if (response.redirected && !document.querySelector("dialog[open] [data-typed]")) location.reload(); // to the sign-in
  if (!response.ok || response.redirected) return false;
  const now = await response.json().catch(() => undefined);
  if (!now) return false;
  board = now as Board;
  for (const each of looked) each();
  return true;
}
