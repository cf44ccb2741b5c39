// What patient pages keep in this tab.

/** The tab's storage. In a frame, it is missing if the browser blocks storage there. */
export function storage(): Storage | undefined {
  try {
    return sessionStorage;
  } catch {
    return undefined;
  }
}

/** The clinic's address, such as `/c/harbour`. Details for one clinic are not used at any other. */
export const clinic = (): string => location.pathname.split("/").slice(0, 3).join("/");
