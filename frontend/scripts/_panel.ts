// The panels at the side of the board. They leave the board usable, except on phones, where they cover it.
import { config, within } from "./_board";
import { hueOf, initialsOf } from "./_portrait";

const isNarrow = matchMedia("(max-width: 40rem)");
const panels = [...document.querySelectorAll<HTMLDialogElement>("dialog.panel")];

/** Open a panel in place of any other. */
export function openPanel(panel: HTMLDialogElement): void {
  for (const other of panels) if (other !== panel) other.close();
  if (!panel.open) {
    if (isNarrow.matches) panel.showModal();
    else panel.show();
    panel.scrollTop = 0;
  }
  document.body.classList.add("with-panel");
}

for (const panel of panels)
  panel.addEventListener("close", () =>
    document.body.classList.toggle(
      "with-panel",
      panels.some(({ open }) => open),
    ),
  );

/** Close the open panel. Returns whether there was one. */
export function closePanel(): boolean {
  const panel = panels.find(({ open }) => open);
  panel?.close();
  return panel !== undefined;
}

let latestRecord = "";

/** Show what the clinic knows about a patient in a panel: contact details above, visits and messages below. */
export async function showRecord(panel: Element, customerId: string | null, appointmentId = ""): Promise<void> {
  const places = [...panel.querySelectorAll<HTMLElement>("[data-record]")];
  const request = `${customerId} ${appointmentId}`;
  latestRecord = request;
  if (panel.getAttribute("data-record-of") !== customerId) for (const place of places) place.replaceChildren();
  panel.setAttribute("data-record-of", customerId ?? "");
  if (!customerId || !config.seePatients) return;
  const html = await fetch(`/staff/${config.clinic}/patients/${customerId}/summary?appointment=${appointmentId}`).then(
    (response) => (response.ok && !response.redirected ? response.text() : ""),
    () => "",
  );
  if (latestRecord !== request) return;
  const parts = new DOMParser().parseFromString(html, "text/html");
  for (const place of places) {
    const part = parts.querySelector(`[data-part="${place.dataset.record}"]`);
    place.replaceChildren(...(part ? [document.adoptNode(part)] : []));
  }
}

/** Show a person's initials in their own colour. */
export function showAvatar(panel: Element, name: string): void {
  const avatar = within(panel, "[data-avatar]");
  avatar.textContent = initialsOf(name);
  avatar.className = `avatar hue-${hueOf(name)}`;
}
