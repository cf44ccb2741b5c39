// What patients' pages do beyond what they do without a script: the visitor's own time beside the clinic's, a look at whether the chosen time is
// still there, and on another site's page the height of the frame.

const SECONDS = 15;
const language = document.documentElement.lang;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What a clock and a calendar in a zone show at an instant. */
function wall(instant: Date, timeZone: string | undefined): string {
  return instant.toLocaleString("sv", { timeZone });
}

/** The visitor's clock; with the day, where it is another one than the clinic's. */
function theirs(instant: Date, clinic: string): string {
  const sameDay = wall(instant, clinic).slice(0, 10) === wall(instant, undefined).slice(0, 10);
  const time = new Intl.DateTimeFormat(language, { timeStyle: "short" }).format(instant);
  return sameDay ? time : `${new Intl.DateTimeFormat(language, { weekday: "short" }).format(instant)} ${time}`;
}

function zoneName(instant: Date): string {
  const parts = new Intl.DateTimeFormat(language, { timeZoneName: "long" }).formatToParts(instant);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? zone;
}

const about = document.querySelector<HTMLElement>("[data-zone]");
const clinic = about?.dataset.zone ?? "UTC";
const differs = (time: string): boolean => wall(new Date(time), clinic) !== wall(new Date(time), undefined);

/** Beside each time of a part of the page; returns whether there was any to show. */
function showTheirTimes(within: ParentNode): boolean {
  const times = [...within.querySelectorAll<HTMLTimeElement>("time[data-theirs]")];
  if (!about || !times.some((time) => differs(time.dateTime))) return false;
  for (const time of times) {
    const small = document.createElement("small");
    small.textContent = theirs(new Date(time.dateTime), clinic);
    time.after(" ", small);
  }
  return true;
}

/** Whose times are whose. */
function sayZones(): void {
  const shown = showTheirTimes(document);
  const first = about?.dataset.start ?? document.querySelector<HTMLTimeElement>("time[data-theirs]")?.dateTime;
  if (!about || !first || !(shown || differs(first))) return;
  const instant = new Date(first);
  const said = document.createElement("span");
  said.textContent = about.dataset.theirs!.replace("{time}", theirs(instant, clinic)).replace("{zone}", zoneName(instant));
  about.append(" ", said);
}

function keepLooking(form: HTMLFormElement): void {
  const place = document.getElementById("gone")!;
  let busy = false;
  async function look(): Promise<void> {
    if (busy || "gone" in form.dataset || document.hidden) return;
    busy = true;
    try {
      const answer = await fetch(form.dataset.look!);
      if (answer.status !== 200 || "sent" in form.dataset) return;
      place.innerHTML = await answer.text();
      showTheirTimes(place);
      form.dataset.gone = "";
      form.querySelector<HTMLElement>(".submit")!.hidden = true;
    } catch {
      // away for a moment; the next look may tell
    } finally {
      busy = false;
    }
  }
  setInterval(look, SECONDS * 1000);
  addEventListener("focus", look);
  document.addEventListener("visibilitychange", look);
}

/** A second press of the button does nothing. */
function sendOnce(form: HTMLFormElement): void {
  form.addEventListener("submit", (event) => {
    if ("sent" in form.dataset) return event.preventDefault();
    form.dataset.sent = "";
    event.submitter?.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", () => {
    delete form.dataset.sent;
    document.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  });
}

/** The page around the frame is told how high this one is, and learns nothing else. */
function tellHeight(): void {
  const tell = (more: object = {}): void =>
    parent.postMessage({ appoint: "height", height: Math.ceil(document.documentElement.getBoundingClientRect().height), title: document.title, ...more }, "*");
  new ResizeObserver(() => tell()).observe(document.documentElement);
  tell({ turned: true });
}

sayZones();
const form = document.querySelector<HTMLFormElement>("form[data-look]");
if (form) {
  form.querySelector<HTMLInputElement>("[name=zone]")!.value = zone;
  keepLooking(form);
  sendOnce(form);
}
const fault = document.querySelector<HTMLElement>("[aria-invalid=true]");
if (fault) fault.focus();
if (document.querySelector("[data-framed]") && parent !== window) tellHeight();

export {};
