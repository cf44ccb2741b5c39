// The message at the bottom that says what was done, for a few seconds with a button that takes it back.
import { get, words } from "./_board";

/** How long a change can be undone, in milliseconds. */
const UNDO_TIME = 8000;
const MESSAGE_TIME = 4000;

const toast = get("toast");
const undoButton = get("undo");
let undo: (() => Promise<void>) | undefined;
let timer = 0;

/** Say what was done, and offer to undo it. */
export function announce(text: string, undoIt?: () => Promise<void>): void {
  clearTimeout(timer);
  undo = undoIt;
  undoButton.hidden = !undoIt;
  get("announcement").textContent = text;
  toast.classList.remove("shown", "counting");
  void toast.offsetWidth; // restarts the countdown
  toast.classList.add("shown");
  toast.classList.toggle("counting", undoIt !== undefined);
  timer = window.setTimeout(hide, undoIt ? UNDO_TIME : MESSAGE_TIME);
}

function hide(): void {
  undo = undefined;
  undoButton.hidden = true;
  toast.classList.remove("shown", "counting");
}

/** Undo the last change, if that is still offered. */
export async function undoLast(): Promise<void> {
  const undoIt = undo;
  if (!undoIt) return;
  hide();
  await undoIt();
  announce(words["undone"]!);
}
undoButton.addEventListener("click", () => void undoLast());
