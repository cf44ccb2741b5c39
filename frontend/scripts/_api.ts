// The staff pages' API client: sends the session cookie and the CSRF token, and throws problems.

export interface Problem {
  title: string;
  detail: string;
  status: number;
  reason?: string;
  errors?: { pointer: string; detail: string }[];
  alternatives?: { startTime: string; endTime: string; doctorId: string }[];
  [fact: string]: unknown;
}

/** The rules to override, and why. */
export interface Override {
  allow: string[];
  reason: string;
}

export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
  }
}

export const csrf = (): string => document.querySelector<HTMLElement>("[data-csrf]")?.dataset.csrf ?? "";

/** The scripts' strings in the page's language, from its `<script type="application/json" id="words">`. */
export const words: Record<string, string> = readJson("words") ?? {};

/** Read the data from a `<script type="application/json">` in the page. */
export function readJson<T>(id: string): T | undefined {
  const element = document.getElementById(id);
  return element ? (JSON.parse(element.textContent ?? "null") as T) : undefined;
}

/** Call the API. Throws `Refused` on failure, even when the server is unreachable or a proxy responds instead. */
export async function callApi<T>(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<T> {
  let response = await send(method, path, body, headers);
  if (response.status === 403 && (await renewCsrfToken())) response = await send(method, path, body, headers);
  if (response.status === 401) throw refusal("ended", 401);
  let answer: unknown;
  try {
    const text = await response.text();
    answer = text ? JSON.parse(text) : undefined;
  } catch {
    throw refusal("unreadable");
  }
  if (response.ok) return answer as T;
  const isProblem = answer && typeof answer === "object" && "title" in answer;
  throw isProblem ? new Refused(answer as Problem) : refusal("unreadable");
}

function refusal(word: string, status = 0): Refused {
  return new Refused({ title: words[word] ?? "", detail: words[word] ?? "", status });
}

async function send(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<Response> {
  const contentType = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  try {
    return await fetch(path, {
      method,
      headers: {
        "X-CSRF-Token": csrf(),
        "Accept-Language": document.documentElement.lang,
        ...(body === undefined ? {} : { "Content-Type": contentType }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw refusal("unreachable");
  }
}

/** Take over a new session's token after the same user has signed in again in another window. */
async function renewCsrfToken(): Promise<boolean> {
  const html = await fetch(location.href).then(
    (response) => response.text(),
    () => "",
  );
  const page = new DOMParser().parseFromString(html, "text/html");
  const userOf = (shown: Document): string | undefined => shown.querySelector(".who")?.firstElementChild?.textContent;
  const token = page.querySelector<HTMLElement>("[data-csrf]")?.dataset.csrf;
  if (!token || token === csrf() || userOf(page) !== userOf(document)) return false;
  document.querySelector<HTMLElement>("[data-csrf]")!.dataset.csrf = token;
  return true;
}

/** Create a sign-in link that opens in a new window, so that the user's input is not lost. */
export function signInLink(): HTMLElement {
  const attributes = { href: "/staff/sign-in", target: "_blank", class: "button small" };
  return createElement("a", attributes, words["signIn"] ?? "");
}

/** Create an element. Its children are nodes, or text, which is escaped. */
export function createElement<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}
