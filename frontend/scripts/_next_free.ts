// Offers the next free times for a type, with one doctor or with anyone, and lets the user page through the days.
import { callApi, createElement, Refused } from "./_api";
import { type Appointment, board, config, formatChip, formatDay, within, words, zone } from "./_board";
import { dateOf, wallOf } from "./_zone";

export interface FreeTime {
  startTime: string;
  endTime: string;
  doctorId: string;
  doctor: string;
  date: string;
}

interface NextFree {
  first: string;
  times: FreeTime[];
  nextDay: string | null;
}

/** The criteria: a type or a length, and either a doctor or anyone who sees the patient. */
export interface Criteria {
  typeId: string | null;
  minutes: number;
  doctorId: string;
  patient: Patient;
}

/** One of the clinic's patients, or what the user has typed about a new one. */
export interface Patient {
  customerId?: string | null;
  birthDate?: string;
  knownPatient?: boolean;
}

const MAX_TIMES = 6;
/** The most times that the API returns. */
const MOST_TIMES = 50;
/** How many searches to make before the user has to ask for more. At large clinics, each one covers only a few days. */
const MAX_SEARCHES = 14;
const DAY = 86_400_000;

async function search(query: URLSearchParams): Promise<NextFree | undefined> {
  try {
    return await callApi<NextFree>("GET", `/api/clinics/${config.clinic}/nextFreeTimes?${query}`);
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

/** The next free times in one of the panels. */
export class NextFreeTimes {
  #criteria: Criteria | undefined;
  #from = "";
  #next: string | null = null;
  #number = 0;
  #anyone: HTMLInputElement;
  times: FreeTime[] = [];

  constructor(
    readonly place: HTMLElement,
    readonly onChoose: (time: FreeTime) => void,
    readonly onFound: () => void = () => {},
  ) {
    this.#anyone = within<HTMLInputElement>(place, "input");
    this.#anyone.addEventListener("change", () => void this.load());
    within(place, "[data-earlier]").addEventListener("click", () => this.#turn(-1));
    within(place, "[data-later]").addEventListener("click", () => this.#turn(1));
  }

  /** Look for times from the given day onwards. Does nothing if the criteria are the same as before. */
  show(criteria: Criteria, from: string): void {
    if (JSON.stringify(criteria) === JSON.stringify(this.#criteria)) return;
    this.#criteria = criteria;
    this.#from = from > board.today ? from : "";
    void this.load();
  }

  /** Discard the times, so that the next `show` looks for them again. */
  reset(isAnyDoctor: boolean): void {
    this.#criteria = undefined;
    this.times = [];
    this.#anyone.checked = isAnyDoctor;
    within(this.place, "ul").replaceChildren();
  }

  /** Mark the chosen time, if it is one of these. */
  mark(wall: string, doctorId: string): void {
    const buttons = this.place.querySelectorAll("ul button");
    for (const [index, time] of this.times.entries()) {
      const isChosen = wallOf(new Date(time.startTime), zone).slice(0, 16) === wall && time.doctorId === doctorId;
      buttons[index]?.setAttribute("aria-pressed", String(isChosen));
    }
  }

  #turn(days: number): void {
    const from = this.#from || dateOf(wallOf(new Date(), zone));
    const later = this.#next ?? from;
    this.#from = days > 0 ? later : new Date(Date.parse(from) - DAY).toISOString().slice(0, 10);
    void this.load();
  }

  #query({ typeId, minutes, doctorId, patient }: Criteria, from: string, limit: number): URLSearchParams {
    const query = new URLSearchParams({ limit: String(limit) });
    if (from > board.today) query.set("from", from);
    if (typeId) query.set("appointmentTypeId", typeId);
    else query.set("minutes", String(minutes));
    if (doctorId && !this.#anyone.checked) query.set("doctorId", doctorId);
    for (const [name, value] of Object.entries(patient))
      if (value !== undefined && value !== null && value !== "") query.set(name, String(value));
    return query;
  }

  /** The first time after an appointment, even if all those shown are earlier. */
  async findAfter({ start, startTime }: Appointment): Promise<FreeTime | undefined> {
    const isLater = (time: FreeTime): boolean => Date.parse(time.startTime) > Date.parse(startTime);
    const shown = this.times.find(isLater);
    if (shown || !this.#criteria || !this.times.length) return shown;
    return (await search(this.#query(this.#criteria, dateOf(start), MOST_TIMES)))?.times.find(isLater);
  }

  async load(): Promise<void> {
    if (!this.#criteria) return;
    const query = this.#query(this.#criteria, this.#from, MAX_TIMES);
    const number = ++this.#number;
    let found = await search(query);
    for (let count = 1; count < MAX_SEARCHES && number === this.#number; count++) {
      if (!found?.nextDay || found.times.length) break;
      query.set("from", found.nextDay);
      found = await search(query);
    }
    if (number !== this.#number) return;
    this.times = found?.times ?? [];
    this.#next = found?.nextDay ?? null;
    if (found && this.#from) this.#from = found.first;
    this.#draw(found?.first ?? "");
    this.onFound();
  }

  #explainNothing(): string {
    if (!this.#next) return words["nothingFree"]!;
    return words["nothingBefore"]!.replace("{day}", formatDay(this.#next));
  }

  #draw(first: string): void {
    const today = dateOf(wallOf(new Date(), zone));
    within<HTMLButtonElement>(this.place, "[data-earlier]").disabled = first <= today;
    within<HTMLButtonElement>(this.place, "[data-later]").disabled = !this.#next;
    const chips = this.times.map((time) => {
      const doctor = this.#anyone.checked ? [createElement("small", {}, time.doctor)] : [];
      const label = formatChip(new Date(time.startTime));
      const button = createElement("button", { type: "button" }, label, ...doctor);
      button.addEventListener("click", () => this.onChoose(time));
      return createElement("li", {}, button);
    });
    const nothing = createElement("li", { class: "quiet" }, this.#explainNothing());
    within(this.place, "ul").replaceChildren(...(chips.length ? chips : [nothing]));
  }
}
