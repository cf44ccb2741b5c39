// The message at the bottom that says what was done, with a button that undoes it for a few seconds.
import { boardAddress, get, words } from "./_board";

/** How long a change can be undone before its messages are sent, in milliseconds. */
const UNDO_TIME = 8000;
const MESSAGE_TIME = 4000;

interface Options {
  undo?: () => Promise<void>;
  /** An appointment that is not on this board, and its day. */
  elsewhere?: { day: string; id: string };
}

const toast = get("toast");
const undoButton = get("undo");
const link = get<HTMLAnchorElement>("show-elsewhere");
let undo: (() => Promise<void>) | undefined;
let timer = 0;

/** Say what was done, and offer to undo it. */
export function announce(text: string, options: Options = {}): void {
  clearTimeout(timer);
  undo = options.undo;
  const { elsewhere } = options;
  undoButton.hidden = !undo;
  link.hidden = !elsewhere;
  if (elsewhere) link.href = `${boardAddress(elsewhere.day)}&appointment=${elsewhere.id}`;
  get("announcement").textContent = text;
  toast.classList.remove("shown", "counting");
  void toast.offsetWidth; // restarts the countdown
  toast.classList.add("shown");
  toast.classList.toggle("counting", undo !== undefined);
  timer = window.setTimeout(hide, undo || elsewhere ? UNDO_TIME : MESSAGE_TIME);
}

function hide(): void {
  undo = undefined;
  undoButton.hidden = link.hidden = true;
  toast.classList.remove("shown", "counting");
}

/** Undo the last change, if that is still offered. */
export async function undoLast(): Promise<void> {
  const undoIt = undo;
  if (!undoIt) return;
  hide();
  try {
    await undoIt();
    announce(words["undone"]!);
  } catch (error) {
    announce(error instanceof Error ? error.message : words["unreadable"]!);
  }
}
undoButton.addEventListener("click", () => void undoLast());
