// The notice that says what a form did. It has an undo button, which disappears once messages have to go out.
import { callApi, createElement, Refused, words } from "./_api";
import type { Body } from "./_form_body";

export interface Undo {
  url: string;
  /** What to change back, for records that are undone with a PATCH request. */
  change?: Body;
  /** When messages go out. Absent if there are none to send. */
  until?: string;
}

export interface Notice {
  text: string;
  undo?: Undo;
}

/** Return how a response's change can be undone. */
export function undoOf(answer: Body): Undo | undefined {
  const undo = answer["undo"] as { url: string; change?: Body; messagesHeldUntil?: string } | null | undefined;
  if (!undo) return undefined;
  const { messagesHeldUntil: until, ...request } = undo;
  return until ? { ...request, until } : request;
}

/** Create the notice. Its button disappears when messages go out. */
export function noticeElement({ text, undo }: Notice): HTMLElement {
  const status = createElement("p", {}, text);
  const notice = createElement("div", { class: "notice good", role: "status" }, status);
  const left = undo?.until ? new Date(undo.until).getTime() - Date.now() : Number.POSITIVE_INFINITY;
  if (!undo || left <= 0) return notice;
  const button = createElement("button", { type: "button", class: "button quiet small" }, words["undo"] ?? "");
  button.addEventListener("click", async () => {
    try {
      await callApi(undo.change ? "PATCH" : "POST", undo.url, undo.change);
      sessionStorage.setItem("notice", JSON.stringify({ text: words["undone"] }));
      location.reload();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      status.textContent = error.problem.detail || error.problem.title;
      button.remove();
    }
  });
  notice.append(createElement("p", {}, button));
  if (undo.until) setTimeout(() => button.remove(), left);
  return notice;
}
