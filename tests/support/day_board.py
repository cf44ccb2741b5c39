"""The day board at Harbor Street: a doctor for a single test, and what a receptionist does on the board."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple

from playwright.async_api import Browser, Locator, Page, expect

from support.browsers import Site, api, open_page, sign_in
from support.harbor_street import CLINIC, RECEPTION, ZONE, connect, staff_url

DAY = datetime.now(ZONE).date() + timedelta(days=9)
YESTERDAY = datetime.now(ZONE).date() - timedelta(days=1)
NUMBERS = count(1)


def at(clock: str, day: date = DAY) -> datetime:
    return datetime.combine(day, datetime.strptime(clock, "%H:%M").time(), ZONE)  # noqa: DTZ007


def utc(clock: str) -> str:
    """Return a time on `DAY` in the API's format."""
    return at(clock).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Room(NamedTuple):
    """A doctor for a single test, with hours from 9 to 12 on one day."""

    site: Site
    name: str
    doctor_id: str
    day: date = DAY

    @property
    def address(self) -> str:
        return staff_url(self.site, f"day?date={self.day}&doctor={self.doctor_id}")

    def add_customer(self, name: str, **fields: Any) -> str:
        with api(self.site) as client:
            return client.post("/api/customers", json={"name": name, **fields}).raise_for_status().json()["id"]

    def add_type(self, name: str, **fields: Any) -> str:
        with api(self.site) as client:
            response = client.post(f"/api/clinics/{CLINIC}/appointmentTypes", json={"name": name, **fields})
            return response.raise_for_status().json()["id"]

    def book(self, customer_id: str, clock: str, minutes: int = 30, **fields: Any) -> dict[str, Any]:
        start = at(clock, self.day)
        request = {
            "customerId": customer_id,
            "doctorId": self.doctor_id,
            "startTime": start.isoformat(),
            "endTime": (start + timedelta(minutes=minutes)).isoformat(),
        }
        with api(self.site) as client:
            return client.post("/api/appointments", json={**request, **fields}).raise_for_status().json()

    async def insert(self, customer_id: str, clock: str, status: str) -> None:
        """Insert a half-hour appointment that the API would not book, such as one in the past."""
        start = at(clock, self.day)
        async with connect(self.site) as db:
            await db.execute("insert into patient (clinic_id, customer_id) values ($1, $2)", CLINIC, customer_id)
            await db.execute(
                """
                insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, status, hold_expires_at,
                                         during, claimed)
                values ($1, mint_id($1), mint_id($1), $2, $3, $4,
                        case when $4 = 'pending' then now() + interval '1 hour' end,
                        tstzrange($5, $6), tstzrange($5, $6))
                """,
                CLINIC,
                self.doctor_id,
                customer_id,
                status,
                start,
                start + timedelta(minutes=30),
            )

    def appointments(self) -> list[dict[str, Any]]:
        with api(self.site) as client:
            response = client.get(f"/api/clinics/{CLINIC}/appointments", params={"doctorId": self.doctor_id})
        return response.raise_for_status().json()["items"]


async def add_room(site: Site, day: date = DAY) -> Room:
    name = f"Dr. Room {next(NUMBERS)}"
    with api(site) as client:
        doctor = client.post(f"/api/clinics/{CLINIC}/doctors", json={"name": name}).raise_for_status().json()
    async with connect(site) as db:  # the API doesn't publish slots in the past
        await db.execute(
            """
            insert into booking_slot (clinic_id, id, doctor_id, date, during, source)
            values ($1, mint_id($1), $2, $3, tstzrange($4, $5), 'manual')
            """,
            CLINIC,
            doctor["id"],
            day,
            at("09:00", day),
            at("12:00", day),
        )
    return Room(site, name, doctor["id"], day)


@asynccontextmanager
async def open_board(browser: Browser, room: Room, email: str = RECEPTION, **options: Any) -> AsyncIterator[Page]:
    """Open a room's day as one of the clinic's users, who accepts every confirmation dialog."""
    async with open_page(browser, viewport={"width": 1280, "height": 1000}, **options) as page:
        page.on("dialog", lambda dialog: dialog.accept())
        await sign_in(page, room.site.url, email)
        await page.goto(room.address)
        yield page


def on_board(page: Page, text: str) -> Locator:
    """Return the appointments on the board that contain the text, such as the patient's name."""
    return page.locator("#board .ec-event.appointment:not(.ghost)", has_text=text)


async def undo_by_key(page: Page) -> None:
    """Undo the last change with its shortcut, which works once the page offers to undo it. The board shows the change
    slightly earlier.
    """
    await expect(page.locator("#undo")).to_be_visible()
    await page.keyboard.press("u")


async def position(page: Page, clock: str) -> tuple[float, float]:
    """Return the position of a time in the only column."""
    hour, minute = map(int, clock.split(":"))
    label, next_label = (
        page.locator(
            "#board .ec-body .ec-slot time", has_text=f"{(each - 1) % 12 + 1}:00 {'AM' if each < 12 else 'PM'}"
        )
        for each in (hour, hour + 1)
    )
    await label.first.scroll_into_view_if_needed()
    column = page.locator("#board .ec-body .ec-day").first
    await expect(column).to_be_visible()
    line_box, next_box, column_box = [await each.bounding_box() for each in (label.first, next_label.first, column)]
    assert line_box
    assert next_box
    assert column_box
    minute_height = (next_box["y"] - line_box["y"]) / 60
    return (
        column_box["x"] + column_box["width"] / 2,
        line_box["y"] + line_box["height"] / 2 + minute * minute_height + 4,
    )


async def click_free_time(page: Page, clock: str) -> None:
    await page.mouse.click(*await position(page, clock))


async def drag(page: Page, name: str, clock: str, *, drop: bool = True) -> None:
    x, y = await position(page, clock)
    await on_board(page, name).hover(position={"x": 60, "y": 4})  # waits until it stops moving
    box = await on_board(page, name).bounding_box()
    assert box
    await page.mouse.move(x, box["y"] + 4)
    await page.mouse.down()
    await page.mouse.move(x, box["y"] + 20, steps=3)
    await page.mouse.move(x, y, steps=5)
    if drop:
        await page.mouse.up()


async def choose_patient(page: Page, text: str, name: str) -> None:
    """Search for a patient in the booking dialog, and choose the first one with the given name."""
    await page.get_by_label("Patient", exact=True).fill(text)
    await page.locator("#people").get_by_role("button", name=name).first.click()


async def send_booking(page: Page) -> None:
    await page.locator("#booking button:not([type=button])").click()


async def open_appointment(page: Page, name: str) -> Locator:
    """Open an appointment on the board, and return its dialog."""
    await on_board(page, name).click()
    dialog = page.locator("#appointment")
    await expect(dialog).to_be_visible()
    return dialog


async def take_step(dialog: Locator, name: str) -> None:
    """Take a step for an appointment on another day, which has to be confirmed."""
    await dialog.get_by_role("button", name=name, exact=True).click()
    await dialog.get_by_role("button", name="Continue anyway").click()


async def save_notes(page: Page) -> None:
    """Save the open appointment's notes. Wait for the response, because “Saved.” may remain from an earlier step."""
    async with page.expect_response(lambda response: response.request.method == "PATCH"):
        await page.locator("#appointment").get_by_role("button", name="Save notes").click()
    await expect(page.locator("#announcement")).to_have_text("Saved.")
    await expect(page.locator("#appointment")).not_to_have_attribute("aria-busy", "true")
