// Moves the appointment in the panel: with one click to the next free time, by a quarter of an hour or to tomorrow, or
// to a time that the user chooses from a list, on the board, or by typing.
import { callApi, type Override } from "./_api";
import {
  current,
  finish,
  ifMatch,
  markUntouched,
  onShow,
  openAppointment,
  panel,
  saveDraft,
  target,
} from "./_appointment";
import {
  type Appointment,
  board,
  formatSoon,
  formatMoment,
  get,
  setValue,
  showGhost,
  valueOf,
  wallTime,
  within,
  words,
} from "./_board";
import { type FreeTime, NextFreeTimes } from "./_next_free";
import { attempt, type RefusalTarget, startInstant } from "./_refusal";
import { pathOf, undoStep } from "./_steps";
import { announce } from "./_toast";
import { addMinutes, dateOf, timeOf } from "./_zone";

const LATER_MINUTES = 15;
const DAY_MINUTES = 1440;

/** The response to a move. The advisories don't require any action. */
interface Moved {
  startTime: string;
  advisories?: { text: string }[];
}

const moving = get<HTMLDetailsElement>("moving");
const quickMoves = get("quick-moves");
const nextButton = within<HTMLButtonElement>(quickMoves, '[data-quick="next"]');
const nextFree = new NextFreeTimes(
  get("move-free"),
  (time) => void moveTo(time),
  () => void showNext(),
);

/** The first free time after the appointment. */
let nextTime: FreeTime | undefined;
/** The id of the appointment that the free times are for. */
let searchedFor = "";

function forgetTimes(): void {
  nextTime = undefined;
  nextButton.disabled = true;
  within(nextButton, "small").textContent = "";
  nextFree.reset(false);
}

const minutesOf = ({ startTime, endTime }: Appointment): number =>
  (Date.parse(endTime) - Date.parse(startTime)) / 60_000;

// --- choosing a time

/** If an appointment is being moved, use the time that the user clicked on the board. */
export function chooseTime(wall: string, doctorId?: string): boolean {
  if (!panel.open || !moving.open || moving.hidden) return false;
  setTime(wall, doctorId || valueOf("move-doctor"));
  within<HTMLElement>(moving, "form button").focus();
  return true;
}

/** Fill in a time. With `isKept`, it is saved as a draft, which survives closing the panel. */
function setTime(wall: string, doctorId: string, isKept = true): void {
  for (const [id, text] of [
    ["move-date", dateOf(wall)],
    ["move-time", timeOf(wall)],
    ["move-doctor", doctorId],
  ] as const) {
    setValue(id, text);
    get(id).setAttribute("data-typed", "");
  }
  if (isKept) saveDraft();
  showChosenTime();
}

/** Show on the board where the appointment would go. */
function showChosenTime(): void {
  const [wall, doctorId] = [`${valueOf("move-date")}T${valueOf("move-time")}`, valueOf("move-doctor")];
  const isOther = current && (wall !== current.start.slice(0, 16) || doctorId !== current.doctorId);
  if (!current || !isOther || !panel.open || !moving.open || wall.length < 16) showGhost();
  else
    showGhost({
      wall,
      minutes: minutesOf(current),
      doctorId,
      hue: String(current.hue ?? ""),
      label: current.patient,
    });
}

onShow.push(() => {
  quickMoves.hidden = moving.hidden;
  if (current?.movable && panel.open) {
    const { id, typeId, doctorId, startTime } = current;
    if (id !== searchedFor) forgetTimes();
    searchedFor = id;
    const patient = { customerId: current.customerId };
    within(quickMoves, '[data-quick="tomorrow"]').textContent =
      dateOf(current.start) === board.today ? words["tomorrow"]! : words["nextDay"]!;
    nextFree.show({ typeId, minutes: minutesOf(current), doctorId, patient }, dateOf(wallTime(startTime)));
  }
  showChosenTime();
});
panel.addEventListener("close", forgetTimes);
moving.addEventListener("toggle", showChosenTime);

// --- moving at once

async function showNext(): Promise<void> {
  const appointment = current;
  const time = appointment && (await nextFree.findAfter(appointment));
  if (current?.id !== appointment?.id || current?.startTime !== appointment?.startTime) return;
  nextTime = time;
  nextButton.disabled = !time;
  within(nextButton, "small").textContent = time ? formatSoon(new Date(time.startTime)) : "";
}

async function moveTo({ startTime, doctorId }: FreeTime): Promise<void> {
  if (current) await move(current, wallTime(startTime), doctorId);
}

quickMoves.addEventListener("click", (event) => {
  const quick = (event.target as Element).closest<HTMLElement>("[data-quick]")?.dataset.quick;
  if (!current || !quick) return;
  if (quick === "next" && nextTime) void moveTo(nextTime);
  else if (quick !== "next")
    void move(current, addMinutes(current.start, quick === "later" ? LATER_MINUTES : DAY_MINUTES), current.doctorId);
});

/** Send a move. Throws `Refused`. */
export function reschedule(
  appointment: Appointment,
  wall: string,
  doctorId: string,
  override?: Override,
): Promise<Moved> {
  const content = { startTime: startInstant(wall, doctorId), doctorId, ...(override ? { override } : {}) };
  return callApi<Moved>("PUT", pathOf(appointment), content, ifMatch(appointment));
}

/** Say where an appointment has moved, and offer to put it back. */
export function announceMove({ id, patient }: Appointment, { startTime, advisories = [] }: Moved): void {
  const day = dateOf(wallTime(startTime));
  const notes = advisories.map(({ text }) => text);
  const text = `${patient}: ${words["moved"]} ${formatMoment(new Date(startTime))}`;
  announce([text, ...notes].join(" · "), {
    undo: () => undoStep(id),
    ...(day < board.first || day > board.last ? { elsewhere: { day, id } } : {}),
  });
}

/** Move the open appointment. */
async function move(appointment: Appointment, wall: string, doctorId: string, override?: Override): Promise<void> {
  let moved: Moved | undefined;
  const succeeded = await attempt(
    async () => {
      moved = await reschedule(appointment, wall, doctorId, override);
    },
    {
      ...target,
      allowed: override?.allow ?? [],
      ...waysToMove(() => appointment, wall, doctorId),
    },
  );
  if (!succeeded || !moved) return;
  markUntouched(moving);
  moving.open = false;
  forgetTimes();
  await finish();
  announceMove(appointment, moved);
}

/** How the user can continue after a refused move: with another time or an override. */
export function waysToMove(
  appointment: () => Appointment,
  wall: string,
  doctorId: string,
): Pick<RefusalTarget, "onAlternative" | "onOverride"> {
  return {
    onAlternative: (startTime, otherDoctorId) => void move(appointment(), wallTime(startTime), otherDoctorId),
    onOverride: (allow, reason) => void move(appointment(), wall, doctorId, { allow, reason }),
  };
}
within(moving, "form").addEventListener("submit", (event) => {
  event.preventDefault();
  void move(current!, `${valueOf("move-date")}T${valueOf("move-time")}`, valueOf("move-doctor"));
});

/** Open the form for moving an appointment with a time that was refused. */
export function openRefusedMove(appointment: Appointment, wall: string, doctorId: string): void {
  openAppointment(appointment.id);
  moving.open = true;
  setTime(wall, doctorId, false);
}
