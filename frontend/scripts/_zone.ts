// Wall times in a zone, such as “2027-03-01T09:30”, and their instants, following the same rule as the server: a time
// in a spring gap moves forward by the length of the gap, and one in an autumn fold is the first of its two instants.

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (!format) {
    const parts = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" } as const;
    format = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", ...parts });
    formats.set(zone, format);
  }
  return format;
}

export function wallOf(instant: Date, zone: string): string {
  const parts = formatOf(zone).formatToParts(instant);
  const part = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  const date = `${part["year"]!.padStart(4, "0")}-${part["month"]}-${part["day"]}`;
  return `${date}T${part["hour"]}:${part["minute"]}`;
}

export function instantOf(wall: string, zone: string): Date {
  const asUtc = Date.parse(`${wall.slice(0, 16)}Z`);
  const offsetAt = (instant: number): number => Date.parse(`${wallOf(new Date(instant), zone)}Z`) - instant;
  const day = 86_400_000;
  const candidates = [asUtc - offsetAt(asUtc - day), asUtc - offsetAt(asUtc + day)];
  const matches = candidates.filter((each) => wallOf(new Date(each), zone) === wall.slice(0, 16));
  return new Date(matches.length ? Math.min(...matches) : candidates[0]!);
}

/** Add minutes to a wall time, on the wall clock. */
export function addMinutes(wall: string, minutes: number): string {
  return new Date(Date.parse(`${wall.slice(0, 16)}Z`) + minutes * 60_000).toISOString().slice(0, 16);
}

/** A wall time's date. */
export const dateOf = (wall: string): string => wall.slice(0, 10);

/** A wall time's time of day. */
export const timeOf = (wall: string): string => wall.slice(11, 16);
