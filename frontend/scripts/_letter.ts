// Frames with an email are as tall as the email, so that only the page scrolls. The frames run no scripts.

for (const frame of document.querySelectorAll<HTMLIFrameElement>("iframe.letter")) {
  const fit = (): void => {
    const body = frame.contentDocument?.body;
    if (body?.firstElementChild) frame.height = String(body.scrollHeight);
  };
  frame.addEventListener("load", fit);
  new ResizeObserver(fit).observe(frame);
  fit();
}
