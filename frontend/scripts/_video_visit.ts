// The buttons of a video visit in the appointment's panel: copy the patient's link, or send it to them again.
import { callApi } from "./_api";
import { current, onShow, panel, target } from "./_appointment";
import { within } from "./_board";
import { attempt } from "./_refusal";
import { pathOf } from "./_steps";
import { announce } from "./_toast";

async function copyLink(button: HTMLElement): Promise<void> {
  const path = `${pathOf(current!)}/call`;
  const copy = async (): Promise<void> => {
    const { patientJoinUrl } = await callApi<{ patientJoinUrl: string }>("GET", path);
    await navigator.clipboard.writeText(patientJoinUrl);
  };
  if (await attempt(copy, target)) announce(button.dataset.done!);
}

async function sendLink(button: HTMLElement): Promise<void> {
  const path = `${pathOf(current!)}/call/sendLink`;
  if (await attempt(() => callApi("POST", path), target)) announce(button.dataset.done!);
}

const copier = within<HTMLElement>(panel, "[data-copy-link]");
copier.addEventListener("click", () => void copyLink(copier));
const sender = within<HTMLElement>(panel, "[data-send-link]");
sender.addEventListener("click", () => void sendLink(sender));
onShow.push(() => {
  sender.hidden = current?.callEnded ?? false;
  copier.hidden = sender.hidden || !navigator.clipboard;
});
