// Booking on a clinic's own site: <script src="https://…/embed.js" data-clinic="slug" data-language="de" async></script> (docs/embedding.md)
(() => {
  const script = document.currentScript as HTMLScriptElement;
  const { clinic, language } = script.dataset;
  const origin = new URL(script.src).origin;
  const spoken = language ?? document.documentElement.lang.slice(0, 2);
  const frame = document.createElement("iframe");
  frame.src = `${origin}/embed/${encodeURIComponent(clinic ?? "")}${spoken ? `?lang=${encodeURIComponent(spoken)}` : ""}`;
  frame.title = "Appoint";
  frame.style.cssText = "display:block;width:100%;height:40rem;border:0;color-scheme:normal";
  let turns = 0;
  addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow || event.origin !== origin || event.data?.appoint !== "height") return;
    frame.style.height = `${Math.min(Math.max(Number(event.data.height) || 0, 100), 20_000)}px`;
    frame.title = String(event.data.title);
    if (event.data.turned && turns++ && frame.getBoundingClientRect().top < 0) frame.scrollIntoView(); // the next page begins at its top
  });
  script.after(frame);
})();
