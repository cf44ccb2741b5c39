// The API as staff's pages speak it: with the session's cookie, the token that other sites do not know, and problems that say what to change.

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

/** What a page tells its scripts in a `<script type="application/json">`. */
export function read<T>(id: string): T | undefined {
  const element = document.getElementById(id);
  return element ? (JSON.parse(element.textContent ?? "null") as T) : undefined;
}

/** Throws `Refused` for whatever is not done, also when the server is not reached. */
export async function ask<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
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
    throw new Refused({ title: words["unreachable"] ?? "", detail: words["unreachable"] ?? "", status: 0 });
  }
  if (response.status === 401) location.reload(); // to the sign-in, and back
  const text = await response.text();
  const answer: unknown = text ? JSON.parse(text) : undefined;
  if (!response.ok) throw new Refused(answer as Problem);
  return answer as T;
}

/** A stretch of markup with text that is only ever text. */
export function element<K extends keyof HTMLElementTagNameMap>(name: K, about: Record<string, string> = {}, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(about)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
