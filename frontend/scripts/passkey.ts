// Registers passkeys, signs in with them, and uses them to confirm that it is still the same user (WebAuthn).
//
//   <form data-passkey="sign-in" data-origin="https://appoint.example" data-done="/staff" hidden>
//
// - `data-passkey` is `register`, `sign-in` or `prove`.
// - The form stays hidden in browsers that don't support passkeys, and at addresses other than `data-origin`. If its
//   purpose is to register a passkey, the element with `data-passkey-unsupported` appears instead.
// - `data-done` is the next page.
// - `data-cancelled`, `data-known`, `data-unreachable` and `data-confirm-label` are strings in the page's language.
//
// On the sign-in page, browsers also offer passkeys when they fill in the email address.
import { createElement, csrf, type Problem, Refused } from "./_api";

interface Options {
  publicKey: {
    challenge: string;
    user?: { id: string; name: string; displayName: string };
    excludeCredentials?: { id: string; type: "public-key" }[];
    allowCredentials?: { id: string; type: "public-key" }[];
  };
  challengeToken: string;
}

const PATHS: Record<string, [options: string, send: string]> = {
  register: ["POST /api/account/passkeys/options", "POST /api/account/passkeys"],
  "sign-in": ["GET /api/sessions/passkey/options", "POST /api/sessions/passkey"],
  prove: ["POST /api/sessions/current/proof/options", "POST /api/sessions/current/proof"],
};
/** Shorter than the time for which a challenge is valid. */
const RENEW_AFTER_MS = 4 * 60 * 1000;
const supported = "credentials" in navigator && "PublicKeyCredential" in window;

/** The request that waits while the user fills in the form, in case they choose a passkey. */
let waiting: AbortController | undefined;

async function call<T>(form: HTMLFormElement, operation: string, body?: unknown): Promise<T> {
  const [method = "", path = ""] = operation.split(" ");
  const headers = { "X-CSRF-Token": csrf(), "Accept-Language": document.documentElement.lang };
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? headers : { ...headers, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    answer = text ? JSON.parse(text) : {};
  } catch {
    const text = form.dataset.unreachable ?? "";
    throw new Refused({ title: text, detail: text, status: 0 });
  }
  if (!response.ok) throw new Refused(answer as Problem);
  return answer as T;
}

function decode(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function encode(bytes: ArrayBuffer): string {
  const binary = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const descriptors = (list: { id: string; type: "public-key" }[] = []): PublicKeyCredentialDescriptor[] =>
  list.map(({ id, type }) => ({ id: decode(id), type }));

/** Create a passkey. Returns what the server needs to verify it. */
async function create({ publicKey }: Options): Promise<Record<string, string>> {
  const { user, challenge, excludeCredentials } = publicKey;
  const options = {
    ...publicKey,
    challenge: decode(challenge),
    user: { ...user!, id: decode(user!.id) },
    excludeCredentials: descriptors(excludeCredentials),
  } as unknown as PublicKeyCredentialCreationOptions;
  const credential = (await navigator.credentials.create({ publicKey: options })) as PublicKeyCredential;
  const response = credential.response as AuthenticatorAttestationResponse;
  return {
    id: encode(credential.rawId),
    clientDataJSON: encode(response.clientDataJSON),
    attestationObject: encode(response.attestationObject),
  };
}

/** Sign a challenge with a passkey. */
async function use({ publicKey }: Options, more: CredentialRequestOptions = {}): Promise<Record<string, string>> {
  const { challenge, allowCredentials } = publicKey;
  const options = { ...publicKey, challenge: decode(challenge), allowCredentials: descriptors(allowCredentials) };
  const credential = (await navigator.credentials.get({ publicKey: options, ...more })) as PublicKeyCredential;
  const response = credential.response as AuthenticatorAssertionResponse;
  return {
    id: encode(credential.rawId),
    clientDataJSON: encode(response.clientDataJSON),
    authenticatorData: encode(response.authenticatorData),
    signature: encode(response.signature),
    userHandle: encode(response.userHandle ?? new ArrayBuffer(0)),
  };
}

async function run(form: HTMLFormElement): Promise<void> {
  const kind = form.dataset.passkey ?? "";
  const [optionsPath, path] = PATHS[kind]!;
  const options = await call<Options>(form, optionsPath);
  const { challengeToken } = options;
  const credential = kind === "register" ? await create(options) : await use(options);
  const proof = { challengeToken, credential };
  if (kind === "register") {
    const name = form.querySelector("input")?.value ?? "";
    const answer = await call<{ recoveryCodes?: string[] }>(form, path, { ...proof, name });
    if (answer.recoveryCodes) await showCodes(answer.recoveryCodes);
  } else await call(form, path, kind === "prove" ? { passkey: proof } : { ...proof, cookie: true });
  proceed(form);
}

function proceed(form: HTMLFormElement): void {
  const next = form.dataset.done ?? location.href;
  if (next === location.pathname + location.search) location.reload();
  else location.assign(next);
}

/** Show the recovery codes until the user closes the dialog. */
function showCodes(codes: string[]): Promise<void> {
  const dialog = document.getElementById("codes") as HTMLDialogElement;
  dialog.querySelector("[data-answer]")!.textContent = codes.join("\n");
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(), { once: true }));
}

function show(form: HTMLFormElement, error: unknown): void {
  const box = form.querySelector("[data-problem-box]");
  const name = error instanceof Error ? error.name : "";
  const problem = error instanceof Refused ? error.problem : undefined;
  const text = problem?.errors?.map(({ detail }) => detail).join("; ") || problem?.detail;
  const own = name === "InvalidStateError" ? form.dataset.known : form.dataset.cancelled;
  const notice = createElement("div", { class: "notice bad" }, createElement("p", {}, text ?? own ?? ""));
  if (String(problem?.["type"]).endsWith("proof-required")) {
    const href = `/staff/confirm?next=${encodeURIComponent(location.pathname + location.search)}`;
    notice.append(createElement("a", { href, class: "button small" }, form.dataset.confirmLabel ?? ""));
  }
  box?.replaceChildren(notice);
}

/** Let the browser offer passkeys when it fills in the email address. */
async function offerInAutofill(form: HTMLFormElement): Promise<void> {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  for (;;) {
    const controller = new AbortController();
    waiting = controller;
    const renewal = setTimeout(() => controller.abort("renew"), RENEW_AFTER_MS);
    try {
      const [optionsPath, path] = PATHS["sign-in"]!;
      const options = await call<Options>(form, optionsPath);
      const credential = await use(options, { mediation: "conditional", signal: controller.signal });
      await call(form, path, { challengeToken: options.challengeToken, credential, cookie: true });
      proceed(form);
      return;
    } catch (error) {
      if (error instanceof Refused) show(form, error);
      if (controller.signal.reason !== "renew") return;
    } finally {
      clearTimeout(renewal);
    }
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target as HTMLFormElement;
  if (!form.dataset.passkey) return;
  event.preventDefault();
  const button = form.querySelector("button")!;
  if (button.hasAttribute("aria-busy")) return;
  waiting?.abort();
  button.setAttribute("aria-busy", "true");
  form.querySelector("[data-problem-box]")?.replaceChildren();
  try {
    await run(form);
  } catch (error) {
    show(form, error);
  } finally {
    button.removeAttribute("aria-busy");
  }
});

for (const form of document.querySelectorAll<HTMLFormElement>("form[data-passkey]")) {
  const usable = supported && form.dataset.origin === location.origin;
  form.hidden = !usable;
  const note = form.nextElementSibling as HTMLElement;
  note.hidden = usable || form.dataset.passkey !== "register";
  if (usable && form.dataset.passkey === "sign-in") void offerInAutofill(form);
}
