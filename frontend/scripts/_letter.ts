// Makes frames that show an email as tall as the email, so that only the page scrolls. No scripts run in the frames.

for (const frame of document.querySelectorAll<HTMLIFrameElement>("iframe.letter")) {
  const fit = (): void => {
    const body = frame.contentDocument?.body;
    if (body?.firstElementChild) frame.height = String(body.scrollHeight);
  };
  frame.addEventListener("load", fit);
  new ResizeObserver(fit).observe(frame);
  fit();
}
