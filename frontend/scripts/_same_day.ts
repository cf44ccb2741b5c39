// Warns if the chosen patient already has an appointment on the chosen day. The record below the form lists them.
import { createElement } from "./_api";
import { get, valueOf, within } from "./_board";

const record = get("book-record");
const warning = get("same-day");

/** Show the warning, or hide it if the patient has no other appointment on that day. */
export function warnAboutSameDay(): void {
  const day = valueOf("book-date");
  const visits = [...record.querySelectorAll<HTMLLIElement>(".history li:has(a)")].filter((visit) => {
    const link = within<HTMLAnchorElement>(visit, "a");
    return (
      new URL(link.href).searchParams.get("date") === day && !visit.querySelector(".badge:is(.cancelled, .noshow)")
    );
  });
  const items = visits.map(({ children }) =>
    createElement("li", {}, [...children].map(({ textContent }) => textContent.trim()).join(" · ")),
  );
  within(warning, "ul").replaceChildren(...items);
  warning.hidden = items.length === 0;
}
new MutationObserver(warnAboutSameDay).observe(record, { childList: true, subtree: true });
get("book-date").addEventListener("change", warnAboutSameDay);
