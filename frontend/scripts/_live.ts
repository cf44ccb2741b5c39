// Keeps the board up to date: refreshes it when the server reports a change.
import { about, get, refresh } from "./_board";

const SILENCE = 40_000;
let source: EventSource | undefined;
let heard = 0;
let retry = 0;
let soon = 0;

export function listen(): void {
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
    soon = window.setTimeout(() => void catchUp(), 150);
  });
  opening.onerror = () => opening === source && lost();
}

function lost(): void {
  get("lost").hidden = false;
  sleep();
  retry = window.setTimeout(wake, 3000);
}

/** After a sleep, or when the network is back: listen again and catch up. */
function wake(): void {
  if (!source || Date.now() - heard > SILENCE) listen();
  void catchUp();
}

const catchUp = async (): Promise<void> => void ((await refresh()) || lost());
setInterval(() => Date.now() - heard > SILENCE && source && lost(), 5000);
window.addEventListener("online", wake);
window.addEventListener("offline", lost);
window.addEventListener("pageshow", (event) => event.persisted && wake());
document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? wake() : sleep()));
window.addEventListener("pagehide", sleep);

/** Hidden windows close their stream, because browsers allow few connections. */
function sleep(): void {
  source?.close();
  source = undefined;
  clearTimeout(retry);
}
