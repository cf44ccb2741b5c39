// Wall times of a zone, written “2027-03-01T09:30”, and the instants they are: by the same rule as the server's. A time in a spring gap moves forward by the gap,
// one in an autumn fold is the first of the two.

const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(zone: string): Intl.DateTimeFormat {
  let clock = clocks.get(zone);
  if (!clock) {
    const parts = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" } as const;
    clocks.set(zone, (clock = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", ...parts })));
  }
  return clock;
}

export function wallOf(instant: Date, zone: string): string {
  const part = Object.fromEntries(clockOf(zone).formatToParts(instant).map((each) => [each.type, each.value]));
  return `${part["year"]!.padStart(4, "0")}-${part["month"]}-${part["day"]}T${part["hour"]}:${part["minute"]}`;
}

export function instantOf(wall: string, zone: string): Date {
  const asUtc = Date.parse(`${wall.slice(0, 16)}Z`);
  const offsetAt = (instant: number): number => Date.parse(`${wallOf(new Date(instant), zone)}Z`) - instant;
  const day = 86_400_000;
  const candidates = [asUtc - offsetAt(asUtc - day), asUtc - offsetAt(asUtc + day)];
  const meant = candidates.filter((each) => wallOf(new Date(each), zone) === wall.slice(0, 16));
  return new Date(meant.length ? Math.min(...meant) : candidates[0]!);
}

/** The wall time so many minutes later on the same clock. */
export const later = (wall: string, minutes: number): string => new Date(Date.parse(`${wall.slice(0, 16)}Z`) + minutes * 60_000).toISOString().slice(0, 16);
