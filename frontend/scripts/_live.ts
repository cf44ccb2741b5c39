// Keeps the board up to date: refreshes it when the server reports a change.
import { config, get, refresh } from "./_board";

/** The longest silence on a working stream, in milliseconds. The server sends heartbeats more often than this. */
const MAX_SILENCE = 40_000;
let stream: EventSource | undefined;
let lastHeard = 0;
let retryTimer = 0;
let refreshTimer = 0;

export function listen(): void {
  stream?.close();
  clearTimeout(retryTimer);
  lastHeard = Date.now();
  const newStream = new EventSource(`/staff/${config.clinic}/changes`);
  stream = newStream;
  const markAlive = (): void => {
    lastHeard = Date.now();
    get("lost").hidden = true;
  };
  newStream.addEventListener("beat", markAlive);
  newStream.addEventListener("changed", () => {
    markAlive();
    clearTimeout(refreshTimer);
    refreshTimer = window.setTimeout(() => void catchUp(), 150);
  });
  newStream.onerror = () => newStream === stream && reconnectLater();
}

function reconnectLater(): void {
  get("lost").hidden = false;
  stopListening();
  retryTimer = window.setTimeout(resume, 3000);
}

/** Listen again, and catch up, when the computer has woken up or the network is back. */
function resume(): void {
  if (!stream || Date.now() - lastHeard > MAX_SILENCE) listen();
  void catchUp();
}

async function catchUp(): Promise<void> {
  if (!(await refresh())) reconnectLater();
}

/** Close the stream. Hidden windows do this too, because browsers allow only a few connections. */
function stopListening(): void {
  stream?.close();
  stream = undefined;
  clearTimeout(retryTimer);
}

setInterval(() => Date.now() - lastHeard > MAX_SILENCE && stream && reconnectLater(), 5000);
window.addEventListener("online", resume);
window.addEventListener("offline", reconnectLater);
window.addEventListener("pageshow", (event) => event.persisted && resume());
window.addEventListener("pagehide", stopListening);
document.addEventListener("visibilitychange", () =>
  document.visibilityState === "visible" ? resume() : stopListening(),
);
