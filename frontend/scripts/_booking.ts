// The panel for booking. A click on the board chooses the time; what the user typed survives closing the panel.
import { callApi, type Override } from "./_api";
import {
  board,
  config,
  formatMoment,
  get,
  isOnBoard,
  type Person,
  refresh,
  setValue,
  showGhost,
  valueOf,
  wallTime,
  within,
  words,
  zone,
} from "./_board";
import { chosenType, offerTypes, typeSelect } from "./_booking_type";
import { readDraft, writeDraft } from "./_drafts";
import { NextFreeTimes } from "./_next_free";
import { openPanel } from "./_panel";
import { isNew, listenForNames, onSelect, person, register, select } from "./_people";
import { attempt, clearRefusal, type RefusalTarget, showRefusal, startInstant } from "./_refusal";
import { warnAboutSameDay } from "./_same_day";
import { undoStep } from "./_steps";
import { announce } from "./_toast";
import { addMinutes, dateOf, instantOf, timeOf, wallOf } from "./_zone";

interface Draft {
  isOpen: boolean;
  person?: Person | undefined;
  isNew: boolean;
  isTimeChosen: boolean;
  fields: Record<string, string>;
}

const panel = get<HTMLDialogElement>("book");
const refusal = within(panel, "[data-refusal]");
const form = get<HTMLFormElement>("booking");
const target: RefusalTarget = {
  place: refusal,
  fields: {
    name: "person-name",
    birthDate: "person-born",
    email: "person-email",
    phone: "person-phone",
    appointmentTypeId: "book-type",
    doctorId: "book-doctor",
    startTime: "book-time",
    endTime: "book-minutes",
    notes: "book-notes",
  },
};
listenForNames(target);
/** Whether the user has chosen the time, rather than only seen the suggested one. */
let isTimeChosen = false;
const nextFree = new NextFreeTimes(
  get("book-free"),
  ({ startTime, doctorId }) => {
    chooseStart(wallTime(startTime), doctorId);
    focusNext();
  },
  () => takeFirstTime(),
);

// --- opening

/** Open the panel for the time and doctor that the user clicked, or for suggested ones. */
export function newBooking(wall?: string, doctorId?: string): void {
  if (panel.open) {
    if (wall) chooseStart(wall, doctorId);
    focusNext();
    return;
  }
  clear();
  get("continue").hidden = !readDraft("booking");
  const start = wall ?? suggestStart();
  const doctor = doctorId || config.doctor;
  setStart(start, doctor || suggestDoctor(start));
  isTimeChosen = wall !== undefined;
  nextFree.reset(!doctor);
  show();
}

/** Open the panel for a patient, for example when the user comes from that patient's page. */
export async function bookFor(customerId: string): Promise<void> {
  const found = await callApi<Person>("GET", `/api/clinics/${config.clinic}/patients/${customerId}`);
  newBooking();
  select(found);
  focusNext();
}

function clear(): void {
  clearRefusal(refusal);
  form.reset();
  get("people").replaceChildren();
  for (const field of panel.querySelectorAll("[data-typed]")) field.removeAttribute("data-typed");
  select(undefined);
}

function show(): void {
  offerTypes();
  openPanel(panel);
  lookForTimes();
  showChosenTime();
  focusNext();
}

/** Focus the first thing that is still missing. */
function focusNext(): void {
  if (!person && !isNew()) get("who").focus();
  else if (isNew() && !valueOf("person-name")) get("person-name").focus();
  else within<HTMLElement>(panel, ".panel-foot button").focus();
}

/** Suggest the next quarter of an hour if the board shows today, or otherwise the first published time. */
function suggestStart(): string {
  const now = wallOf(new Date(), zone);
  if (isOnBoard(dateOf(now))) return addMinutes(now, 15 - (Number(now.slice(14, 16)) % 15));
  return board.times.find((time) => !time.absence)?.start ?? `${board.first}T09:00`;
}

/** Suggest a doctor who works at a given time. */
function suggestDoctor(start: string): string | undefined {
  const hours = board.times.filter((time) => !time.absence);
  const range = hours.find((time) => time.start <= start && start < time.end) ?? hours[0];
  return range?.doctorId || board.doctors[0]?.id;
}

function setStart(wall: string, doctorId?: string): void {
  setValue("book-date", dateOf(wall));
  setValue("book-time", timeOf(wall));
  if (doctorId && doctorId !== valueOf("book-doctor")) {
    setValue("book-doctor", doctorId);
    offerTypes();
  }
  if (!panel.open) return;
  saveDraft();
  showChosenTime();
}

/** Show the chosen time on the board. */
function showChosenTime(): void {
  const wall = `${valueOf("book-date")}T${valueOf("book-time")}`;
  if (!panel.open || wall.length < 16) {
    showGhost();
    return;
  }
  get("book-when").textContent = isOnBoard(dateOf(wall)) ? "" : ` · ${formatMoment(instantOf(wall, zone))}`;
  warnAboutSameDay();
  nextFree.mark(wall, valueOf("book-doctor"));
  const { hue, minutes } = chosenType();
  const label = person?.name || valueOf("person-name") || words["newTime"]!;
  showGhost({ wall, minutes, doctorId: valueOf("book-doctor"), hue, label });
}
onSelect.push(() => {
  if (!panel.open) return;
  lookForTimes();
  saveDraft();
  showChosenTime();
});

/** Adopt the time to which the user has dragged the chosen one. */
export const dragChosenTime = (wall: string, doctorId?: string): void => chooseStart(wall, doctorId);

function chooseStart(wall: string, doctorId?: string): void {
  isTimeChosen = true;
  setStart(wall, doctorId);
}

/** Look for free times for the type and the doctor. Until the user has chosen a time, use the first one. */
function lookForTimes(): void {
  const { typeId, minutes } = chosenType();
  const from = isTimeChosen ? valueOf("book-date") : board.first;
  const patient = isNew()
    ? { birthDate: valueOf("person-born"), knownPatient: false }
    : { customerId: person?.customerId ?? "" };
  nextFree.show({ typeId, minutes, doctorId: valueOf("book-doctor"), patient }, from);
}

function takeFirstTime(): void {
  const [first] = nextFree.times;
  if (first && !isTimeChosen && panel.open) setStart(wallTime(first.startTime), first.doctorId);
}

// --- drafts

const textFields = (): HTMLInputElement[] =>
  [...form.querySelectorAll<HTMLInputElement>("[id]:is(input, select, textarea)")].filter(({ id }) => id !== "who");

function saveDraft(): void {
  const fields = Object.fromEntries(textFields().map(({ id, value }) => [id, value]));
  const isWorthKeeping = person || isNew() || valueOf("book-notes");
  const draft: Draft = { isOpen: panel.open, person, isNew: isNew(), isTimeChosen, fields };
  if (isWorthKeeping) writeDraft("booking", draft);
}

/** Continue an unfinished booking. */
function restoreDraft({ person: chosen, isNew: wasNew, fields, ...draft }: Draft): void {
  clear();
  isTimeChosen = draft.isTimeChosen;
  nextFree.reset(!isTimeChosen && !config.doctor);
  for (const [id, text] of Object.entries(fields)) setValue(id, text);
  select(chosen, wasNew);
  get("continue").hidden = true;
  show();
}
within(get("continue"), "button").addEventListener("click", () => {
  const draft = readDraft<Draft>("booking");
  if (draft) restoreDraft(draft);
});

/** After the user has changed the day, continue the booking whose panel was open. */
export function continueBooking(): void {
  const draft = readDraft<Draft>("booking");
  if (draft?.isOpen) restoreDraft(draft);
}

panel.addEventListener("input", (event) => {
  const { id } = event.target as Element;
  if (id) (event.target as Element).setAttribute("data-typed", "");
  if (id === "book-date" || id === "book-time") isTimeChosen = true;
  if (["book-type", "book-doctor", "book-minutes", "person-born"].includes(id)) lookForTimes();
  saveDraft();
  showChosenTime();
});
panel.addEventListener("close", () => {
  showGhost();
  const draft = readDraft<Draft>("booking");
  if (!draft?.isOpen) return;
  writeDraft("booking", { ...draft, isOpen: false });
  announce(words["kept"]!);
});

get("book-doctor").addEventListener("change", () => {
  offerTypes();
  lookForTimes();
});

// --- booking

async function book(override?: Override): Promise<void> {
  if (!person && !isNew()) {
    showRefusal({ title: words["choose"]!, detail: "", status: 0 }, target);
    return get("who").focus();
  }
  const start = `${valueOf("book-date")}T${valueOf("book-time")}`;
  let id = "";
  const send = async (): Promise<void> => {
    const startTime = startInstant(start, valueOf("book-doctor"));
    if (isNew()) select(await register()); // so that the patient stays selected even if the booking is refused
    ({ id } = await callApi<{ id: string }>("POST", "/api/appointments", {
      customerId: person!.customerId,
      doctorId: valueOf("book-doctor"),
      startTime,
      notes: valueOf("book-notes").trim() || null,
      ...(typeSelect.value ? { appointmentTypeId: typeSelect.value } : { endTime: endInstant(start) }),
      ...(override ? { override } : {}),
    }));
  };
  const succeeded = await attempt(send, {
    ...target,
    allowed: override?.allow ?? [],
    onAlternative: (startTime, doctorId) => {
      setStart(wallTime(startTime));
      setValue("book-doctor", doctorId); // keeps the type, which the alternative's doctor offers
      void book();
    },
    onOverride: (allow, reason) => void book({ allow, reason }),
  });
  if (!succeeded) return;
  writeDraft("booking", undefined);
  const { name } = person!; // the user may begin the next booking while the board reloads
  panel.close();
  await refresh();
  announce(`${name}: ${words["booked"]} ${formatMoment(new Date(startInstant(start, "")))}`, {
    undo: () => undoStep(id),
    ...(isOnBoard(dateOf(start)) ? {} : { elsewhere: { day: dateOf(start), id } }),
  });
  requestAnimationFrame(() => {
    const cards = [...document.querySelectorAll<HTMLElement>(`[data-appointment="${id}"]`)];
    const card = cards.find((each) => each.offsetParent);
    if (!panel.open) card?.focus();
    card?.classList.add("fresh");
  });
}

function endInstant(start: string): string {
  return instantOf(addMinutes(start, Number(valueOf("book-minutes"))), zone).toISOString();
}

get("new").addEventListener("click", () => newBooking());
form.addEventListener("submit", (event) => {
  event.preventDefault();
  void book();
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
