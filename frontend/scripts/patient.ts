// Additions to the patient pages, which also work without scripts: the visitor's local time next to the clinic's if
// they differ, a check that the chosen time is still available, arrow keys, and the page's height for the site that
// frames it.
import { listenForArrows } from "./_arrow_keys";
import { keepFresh } from "./_fresh";
import { fillIn, forgetDetails, keepDetails } from "./_link_details";
import { forgetTyped, rememberTyped } from "./_typed_details";

const CHECK_SECONDS = 15;
const language = document.documentElement.lang;
const visitorZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The local date and time at an instant, in the given zone or otherwise the visitor's. */
const wallTime = (instant: Date, timeZone?: string): string => instant.toLocaleString("sv", { timeZone });
const isOtherTime = (instant: Date, zone: string): boolean => wallTime(instant, zone) !== wallTime(instant);

/** The visitor's local time, with the weekday if it is a different day at the clinic. */
function localTime(instant: Date, zone: string): string {
  const time = new Intl.DateTimeFormat(language, { timeStyle: "short" }).format(instant);
  if (wallTime(instant, zone).slice(0, 10) === wallTime(instant).slice(0, 10)) return time;
  return `${new Intl.DateTimeFormat(language, { weekday: "short" }).format(instant)} ${time}`;
}

/** Add the local time to every time in a part of the page, if it differs for any of them. Returns whether it did. */
function addLocalTimes(place: ParentNode): boolean {
  const times = [...place.querySelectorAll<HTMLTimeElement>("time[data-local]")];
  const zone = document.querySelector<HTMLElement>("[data-zone]")?.dataset["zone"];
  if (!zone || !times.some((time) => isOtherTime(new Date(time.dateTime), zone))) return false;
  for (const time of times) {
    const small = document.createElement("small");
    small.textContent = localTime(new Date(time.dateTime), zone);
    time.after(" ", small);
  }
  return true;
}

/** Add local times to a part of the page and explain them. Hide the zones in which the visitor's clock shows the same
 * time. In a sentence, the local time joins the zone in its parentheses. */
function explainZones(part: ParentNode): void {
  const hasLocalTimes = addLocalTimes(part);
  const firstTime = part.querySelector<HTMLTimeElement>("time[data-local]")?.dateTime;
  for (const note of part.querySelectorAll<HTMLElement>("[data-zone]")) {
    const { zone, start, local, inline, repeated } = note.dataset;
    const instant = new Date(start ?? firstTime ?? Date.now());
    const differs = isOtherTime(instant, zone!) || (!start && hasLocalTimes);
    note.hidden = !differs && repeated === undefined;
    if (differs && inline) note.textContent = ` (${inline.replace("{time}", localTime(instant, zone!))})`;
    if (!differs || !local) continue;
    const explanation = document.createElement("span");
    explanation.textContent = local.replace("{time}", localTime(instant, zone!));
    note.append(" ", explanation);
  }
}

/** Check regularly that the chosen time is still available. If it isn't, show the server's notice. */
function watchAvailability(form: HTMLFormElement): void {
  const place = document.getElementById("gone")!;
  let isChecking = false;
  async function check(): Promise<void> {
    if (isChecking || "gone" in form.dataset || document.hidden) return;
    isChecking = true;
    try {
      const response = await fetch(form.dataset.check!);
      if (response.status !== 200 || "sent" in form.dataset) return;
      place.innerHTML = await response.text();
      addLocalTimes(place);
      form.dataset.gone = "";
      form.querySelector<HTMLElement>(".submit")!.hidden = true;
    } catch {
      // briefly offline; the next check may succeed
    } finally {
      isChecking = false;
    }
  }
  setInterval(check, CHECK_SECONDS * 1000);
  addEventListener("focus", check);
  document.addEventListener("visibilitychange", check);
}

/** Ignore it if the user presses the button a second time. */
function sendOnce(form: HTMLFormElement): void {
  form.addEventListener("submit", (event) => {
    if ("sent" in form.dataset) return event.preventDefault();
    form.dataset.sent = "";
    event.submitter?.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", () => {
    delete form.dataset.sent;
    for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  });
}

/** Report the page's height and title, and nothing else, to the framing page. */
function reportHeight(): void {
  const report = (more: object = {}): void => {
    const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
    parent.postMessage({ appoint: "height", height, title: document.title, ...more }, "*");
  };
  new ResizeObserver(() => report()).observe(document.documentElement);
  report({ turned: true });
}

/** Move the focus to where the visitor continues. In frames of other sites, browsers ignore `autofocus`. */
function continueInFrame(): void {
  document.querySelector<HTMLElement>("[data-focus]")?.focus({ preventScroll: true });
}

/** Send the code as soon as it is complete, and say so beforehand. */
function sendWhenComplete(input: HTMLInputElement): void {
  const hint = document.createElement("span");
  hint.className = "hint";
  hint.id = `${input.id}-sends-itself`;
  hint.textContent = input.dataset.sendsItself!;
  input.before(hint);
  input.setAttribute("aria-describedby", `${hint.id} ${input.getAttribute("aria-describedby")}`);
  sendOnce(input.form!);
  input.addEventListener("input", () => {
    if (/^\d{6}$/.test(input.value.replace(/\s/g, ""))) input.form!.requestSubmit();
  });
}

/** Show the buttons that copy or share the link in the field that they name, as far as the browser can. */
function offerLinks(): void {
  const linkOf = (id: string): string => document.querySelector<HTMLInputElement>(`#${id}`)!.value;
  for (const copier of document.querySelectorAll<HTMLElement>("[data-copies]")) {
    copier.hidden = !navigator.clipboard;
    copier.addEventListener("click", async () => {
      await navigator.clipboard.writeText(linkOf(copier.dataset.copies!));
      copier.textContent = copier.dataset.copied!;
      document.getElementById("copied")!.textContent = copier.dataset.copied!;
    });
  }
  for (const sharer of document.querySelectorAll<HTMLElement>("[data-shares]")) {
    sharer.hidden = !navigator.share;
    sharer.addEventListener("click", () => {
      navigator.share({ title: document.title, url: linkOf(sharer.dataset.shares!) }).catch(() => {
        // the visitor has changed their mind
      });
    });
  }
}

keepDetails();
const fresh = document.querySelector<HTMLElement>("[data-fresh]");
if (fresh) keepFresh(fresh, () => explainZones(fresh));
explainZones(document);
offerLinks();
listenForArrows();
for (const code of document.querySelectorAll<HTMLInputElement>("[data-sends-itself]")) sendWhenComplete(code);
const form = document.querySelector<HTMLFormElement>("form[data-check]");
if (form) {
  form.querySelector<HTMLInputElement>("[name=zone]")!.value = visitorZone;
  rememberTyped(form);
  fillIn(form);
  watchAvailability(form);
  sendOnce(form);
}
const isBooked = /^\/\w+\/[^/]+\/confirm\//.test(location.pathname) && !document.querySelector("[name=code]");
if (isBooked || location.pathname.startsWith("/appointments/")) {
  forgetDetails();
  forgetTyped();
}
document.querySelector('form[action="/sign-out"]')?.addEventListener("submit", forgetTyped);
if (document.querySelector("[data-framed]") && parent !== window) {
  continueInFrame();
  reportHeight();
}
document.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
