// Booking on a clinic's own site. See docs/embedding.md:
//   <script src="https://…/embed.js" data-clinic="slug" data-type="…" data-doctor="…" data-language="de"
//     data-theme="dark" async>
(() => {
  const script = document.currentScript as HTMLScriptElement;
  const { clinic, type, doctor, theme, language = document.documentElement.lang.slice(0, 2) } = script.dataset;
  const origin = new URL(script.src).origin;
  const page = new URL(`/embed/${encodeURIComponent(clinic ?? "")}${type ? "/times" : ""}`, origin);
  for (const [name, value] of Object.entries({ type, doctor, lang: language })) {
    if (value) page.searchParams.set(name, value);
  }
  const frame = document.createElement("iframe");
  frame.src = page.href;
  frame.title = "Appoint";
  frame.style.cssText = "display:block;width:100%;height:40rem;border:0";
  // Browsers tell the pages in the frame its colour scheme instead of the system's.
  frame.style.colorScheme = theme === "light" || theme === "dark" ? theme : hostScheme(script.parentElement);
  let pages = 0;
  addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow || event.origin !== origin || event.data?.appoint !== "height") return;
    frame.style.height = `${Math.min(Math.max(Number(event.data.height) || 0, 100), 20_000)}px`;
    frame.title = String(event.data.title);
    // show the next page from its top
    if (event.data.turned && pages++ && frame.getBoundingClientRect().top < 0) frame.scrollIntoView();
  });
  script.after(frame);

  /** Returns the colour scheme that the page declares; if it doesn't, `dark` if its text is light. */
  function hostScheme(parent: Element | null): string {
    const { color, colorScheme } = getComputedStyle(parent ?? document.documentElement);
    if (colorScheme !== "normal") return "inherit";
    const channels = color.match(/^rgba?\((\d+), (\d+), (\d+)/)?.slice(1) ?? [];
    return channels.reduce((sum, channel) => sum + Number(channel), 0) > 384 ? "dark" : "light";
  }
})();
