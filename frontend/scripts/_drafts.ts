// Keeps what the user typed in a panel, in this window only, until it is saved or the user signs out.
import { config } from "./_board";

const user = document.querySelector(".who")?.firstElementChild?.textContent ?? "";
const keyOf = (name: string): string => `draft ${user} ${config.clinic} ${name}`;

export function readDraft<T>(name: string): T | undefined {
  const text = sessionStorage.getItem(keyOf(name));
  return text === null ? undefined : (JSON.parse(text) as T);
}

/** Keep a draft, or forget it if it is undefined. */
export function writeDraft(name: string, draft: unknown): void {
  if (draft === undefined) sessionStorage.removeItem(keyOf(name));
  else sessionStorage.setItem(keyOf(name), JSON.stringify(draft));
}
