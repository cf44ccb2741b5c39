// API client of the staff pages: sends the session cookie and the CSRF token, and throws problems that say what to change.

export interface Problem {
  title: string;
  detail: string;
  status: number;
  reason?: string;
  errors?: { pointer: string; detail: string }[];
  alternatives?: { startTime: string; endTime: string; doctorId: string }[];
  [fact: string]: unknown;
}

export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
  }
}

const csrf = (): string => document.querySelector<HTMLElement>("[data-csrf]")?.dataset.csrf ?? "";

/** A page's words in its language, as its `<script type="application/json" id="words">` has them. */
export const words: Record<string, string> = read("words") ?? {};

/** Read the data that a page has in a `<script type="application/json">`. */
export function read<T>(id: string): T | undefined {
  const element = document.getElementById(id);
  return element ? (JSON.parse(element.textContent ?? "null") as T) : undefined;
}

/** Call the API. Throws `Refused` on failure, also when the server is unreachable or a proxy answers instead. */
export async function ask<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  let response = await send(method, path, body, headers);
  if (response.status === 403 && (await renewed())) response = await send(method, path, body, headers);
  if (response.status === 401) throw refused("ended", 401);
  let answer: unknown;
  try {
    const text = await response.text();
    answer = text ? JSON.parse(text) : undefined;
  } catch {
    throw refused("unreadable");
  }
  if (response.ok) return answer as T;
  throw answer && typeof answer === "object" && "title" in answer ? new Refused(answer as Problem) : refused("unreadable");
}

const refused = (word: string, status = 0): Refused => new Refused({ title: words[word] ?? "", detail: words[word] ?? "", status });

async function send(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<Response> {
  try {
    return await fetch(path, {
      method,
      headers: {
        "X-CSRF-Token": csrf(),
        "Accept-Language": document.documentElement.lang,
        ...(body === undefined ? {} : { "Content-Type": method === "PATCH" ? "application/merge-patch+json" : "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw refused("unreachable");
  }
}

/** Whether the user has signed in again in another window, which gives the session a new token. */
async function renewed(): Promise<boolean> {
  const page = await fetch(location.href).then((answer) => answer.text(), () => "");
  const now = new DOMParser().parseFromString(page, "text/html");
  const who = (shown: Document): string | undefined => shown.querySelector(".who")?.firstElementChild?.textContent;
  const token = now.querySelector<HTMLElement>("[data-csrf]")?.dataset.csrf;
  if (!token || token === csrf() || who(now) !== who(document)) return false;
  document.querySelector<HTMLElement>("[data-csrf]")!.dataset.csrf = token;
  return true;
}

/** A sign-in link that opens a new window, so that typed text is kept. */
export const signIn = (): HTMLElement => element("a", { href: "/staff/sign-in", target: "_blank", class: "button small" }, words["signIn"] ?? "");

/** Create an element whose children are escaped text or nodes. */
export function element<K extends keyof HTMLElementTagNameMap>(name: K, about: Record<string, string> = {}, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(about)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
