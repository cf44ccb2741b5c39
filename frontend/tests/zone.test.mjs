// Conversions between wall times and instants.
import assert from "node:assert/strict";
import { test } from "node:test";
import { build } from "esbuild";

const [{ text }] = (await build({ entryPoints: ["scripts/_zone.ts"], bundle: true, format: "esm", write: false }))
  .outputFiles;
const { wallOf, instantOf, addMinutes } = await import(`data:text/javascript,${encodeURIComponent(text)}`);
const utc = (wall, zone) => instantOf(wall, zone).toISOString().slice(0, 16);

test("an instant has a different wall time in each zone", () => {
  const instant = new Date("2027-03-01T08:30:00Z");
  assert.equal(wallOf(instant, "Europe/Berlin"), "2027-03-01T09:30");
  assert.equal(wallOf(instant, "America/New_York"), "2027-03-01T03:30");
  assert.equal(wallOf(instant, "Asia/Kolkata"), "2027-03-01T14:00");
});

test("midnight is hour 00 of the new day", () => {
  assert.equal(wallOf(new Date("2027-02-28T23:00:00Z"), "Europe/Berlin"), "2027-03-01T00:00");
});

test("a wall time converts to the matching instant", () => {
  assert.equal(utc("2027-03-01T09:30", "Europe/Berlin"), "2027-03-01T08:30");
  assert.equal(utc("2027-07-01T09:30", "Europe/Berlin"), "2027-07-01T07:30");
});

test("a wall time in a spring gap moves forward by the gap", () => {
  const instant = instantOf("2027-03-28T02:30", "Europe/Berlin");
  assert.equal(wallOf(instant, "Europe/Berlin"), "2027-03-28T03:30");
});

test("a wall time in an autumn fold means the first of its two instants", () => {
  assert.equal(utc("2027-10-31T02:30", "Europe/Berlin"), "2027-10-31T00:30");
});

test("instants and wall times agree for every hour of a year, whatever the zone", () => {
  for (const zone of ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Chatham"])
    for (let instant = Date.UTC(2027, 0, 1); instant < Date.UTC(2028, 0, 1); instant += 3_600_000) {
      const wall = wallOf(new Date(instant), zone);
      assert.equal(wallOf(instantOf(wall, zone), zone), wall, `${zone} ${new Date(instant).toISOString()}`);
    }
});

test("minutes are added on the clock, across midnight and the end of a year", () => {
  assert.equal(addMinutes("2027-03-01T09:30", 45), "2027-03-01T10:15");
  assert.equal(addMinutes("2027-12-31T23:30", 45), "2028-01-01T00:15");
});
