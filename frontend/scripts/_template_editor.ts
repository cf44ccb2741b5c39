// The editor for message templates: buttons with `data-inserts` insert their text where the user was typing, and the
// preview of a button with `data-live` updates whenever the user pauses.

import { callApi, Refused } from "./_api";
import { bodyOf } from "./_form_body";

const PAUSE_MS = 1000;

type Control = HTMLInputElement | HTMLTextAreaElement;

let lastControl: Control | undefined;
let timer = 0;

document.addEventListener("focusin", (event) => {
  const control = event.target as Control;
  if (control.matches("input[name=subject], textarea[name=text]")) lastControl = control;
});

document.addEventListener("click", (event) => {
  const button = (event.target as Element).closest<HTMLButtonElement>("[data-inserts]");
  if (!button?.form) return;
  const text = button.form.querySelector<HTMLTextAreaElement>("textarea[name=text]");
  const control = lastControl?.form === button.form ? lastControl : text;
  if (!control) return;
  control.setRangeText(
    button.dataset.inserts ?? "",
    control.selectionStart ?? control.value.length,
    control.selectionEnd ?? control.value.length,
    "end",
  );
  control.focus();
  control.dispatchEvent(new Event("input", { bubbles: true }));
});

document.addEventListener("input", (event) => {
  const form = (event.target as Control).form;
  const button = form?.querySelector<HTMLButtonElement>("[data-live]");
  if (!form || !button) return;
  clearTimeout(timer);
  timer = window.setTimeout(() => void preview(form, button.dataset), PAUSE_MS);
});

// Show the preview before the user changes anything.
for (const button of document.querySelectorAll<HTMLButtonElement>("[data-live]"))
  if (button.form) void preview(button.form, button.dataset);

/** Refresh the preview, but leave it unchanged while the template has faults, which are reported on saving. */
async function preview(form: HTMLFormElement, options: DOMStringMap): Promise<void> {
  const [method = "POST", path = ""] = (options.api ?? "").split(" ");
  const place = document.getElementById(options.shows ?? "");
  if (!place || !form.checkValidity()) return;
  try {
    const answer = await callApi<Record<string, string | null>>(method, path, bodyOf(form));
    for (const element of place.querySelectorAll<HTMLElement>("[data-answer]")) {
      const value = answer?.[element.dataset.answer ?? ""] ?? "";
      if (element instanceof HTMLIFrameElement) element.srcdoc = value;
      else element.textContent = value;
    }
    place.hidden = false;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
}
