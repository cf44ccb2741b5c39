"""Staff run the day: two browsers in step, booking, moving, the steps of an appointment, the list, and all of it by
keyboard."""

import re
import subprocess
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from playwright.async_api import Page, expect

from appoint.kit import date_formats
from support import browsers
from support.browsers import AXE, AXE_LANGUAGES, faults_of, follow, sign_in, tab_to

pytestmark = pytest.mark.anyio
CLINIC = 2
ZONE = ZoneInfo("America/New_York")
RECEPTION = "reception@harborstreet.example.com"
NUMBERS = count(1)
SCRIPTS = AXE.parents[2] / "scripts"
DAY = datetime.now(ZONE).date() + timedelta(days=9)
YESTERDAY = datetime.now(ZONE).date() - timedelta(days=1)


def at(clock: str, day=DAY) -> datetime:
    return datetime.combine(day, datetime.strptime(clock, "%H:%M").time(), ZONE)  # noqa: DTZ007


class Room(NamedTuple):
    """A doctor of one test's own, with hours from 9 to 12 on a day."""

    site: Any
    name: str
    doctor_id: str
    day: Any = DAY

    @property
    def address(self) -> str:
        return f"{self.site.url}/staff/{CLINIC}/day?date={self.day}&doctor={self.doctor_id}"

    def person(self, name: str, **more: Any) -> str:
        with browsers.api(self.site) as api:
            return api.post("/api/customers", json={"name": name, **more}).raise_for_status().json()["id"]

    def book(self, who: str, clock: str, minutes: int = 30, **more: Any) -> dict[str, Any]:
        start = at(clock, self.day)
        wish = {
            "customerId": who,
            "doctorId": self.doctor_id,
            "startTime": start.isoformat(),
            "endTime": (start + timedelta(minutes=minutes)).isoformat(),
        }
        with browsers.api(self.site) as api:
            return api.post("/api/appointments", json={**wish, **more}).raise_for_status().json()

    async def had(self, who: str, clock: str, status: str) -> None:
        """An appointment of half an hour that the API would not book any more."""
        start = at(clock, self.day)
        connection = await asyncpg.connect(self.site.database_url)
        await connection.execute("insert into patient (clinic_id, customer_id) values ($1, $2)", CLINIC, who)
        await connection.execute(
            """
            insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, status, hold_expires_at, during, claimed)
            values ($1, mint_id($1), mint_id($1), $2, $3, $4, case when $4 = 'pending' then now() + interval '1 hour' end, tstzrange($5, $6), tstzrange($5, $6))
            """,
            CLINIC,
            self.doctor_id,
            who,
            status,
            start,
            start + timedelta(minutes=30),
        )
        await connection.close()

    def shows(self) -> list[dict[str, Any]]:
        with browsers.api(self.site) as api:
            found = api.get(
                f"/api/clinics/{CLINIC}/appointments", params={"doctorId": self.doctor_id}
            ).raise_for_status()
        return found.json()["items"]


async def room(site, day=DAY) -> Room:
    name = f"Dr. Room {next(NUMBERS)}"
    with browsers.api(site) as api:
        doctor_id = api.post(f"/api/clinics/{CLINIC}/doctors", json={"name": name}).raise_for_status().json()["id"]
    connection = await asyncpg.connect(site.database_url)  # also in the past, where the API publishes nothing
    await connection.execute(
        "insert into booking_slot (clinic_id, id, doctor_id, date, during, source) values ($1, mint_id($1), $2, $3, tstzrange($4, $5), 'manual')",
        CLINIC,
        doctor_id,
        day,
        at("09:00", day),
        at("12:00", day),
    )
    await connection.close()
    return Room(site, name, doctor_id, day)


@asynccontextmanager
async def reception(browser, room: Room, email: str = RECEPTION, **about: Any):
    context, page, watched = await browsers.new_page(browser, viewport={"width": 1280, "height": 1000}, **about)
    await sign_in(page, room.site.url, email)
    await page.goto(room.address)
    yield page
    await context.close()
    assert watched.complaints == []


def on_board(page: Page, name: str):
    return page.locator("#board .ec-event.appointment", has_text=name)


async def place(page: Page, clock: str) -> tuple[float, float]:
    """Where a time is drawn, in the only column."""
    hour, minute = map(int, clock.split(":"))
    label = page.locator(
        "#board .ec-body .ec-slot time", has_text=f"{(hour - 1) % 12 + 1}:00 {'AM' if hour < 12 else 'PM'}"
    ).first
    await label.scroll_into_view_if_needed()
    await expect(page.locator("#board .ec-body .ec-day")).not_to_have_count(0)
    line, column = await label.bounding_box(), await page.locator("#board .ec-body .ec-day").first.bounding_box()
    assert line
    assert column
    return column["x"] + column["width"] / 2, line["y"] + line["height"] / 2 + minute / 15 * 22 + 4


async def drag(page: Page, name: str, clock: str) -> None:
    x, y = await place(page, clock)
    await on_board(page, name).hover(position={"x": 60, "y": 4})  # waits until it stands still
    box = await on_board(page, name).bounding_box()
    assert box
    await page.mouse.move(x, box["y"] + 4)
    await page.mouse.down()
    await page.mouse.move(x, box["y"] + 20, steps=3)
    await page.mouse.move(x, y, steps=5)
    await page.mouse.up()


async def book_by_hand(page: Page) -> None:
    await page.locator("#booking button:not([type=button])").click()


async def save_notes(page: Page) -> None:
    """Save the notes of the open appointment, and wait for the answer: the page may say “Saved.” of the step before."""
    async with page.expect_response(lambda response: response.request.method == "PATCH"):
        await page.locator("#appointment").get_by_role("button", name="Save notes").click()
    await expect(page.locator("#told")).to_have_text("Saved.")
    await expect(page.locator("#appointment")).not_to_have_attribute("aria-busy", "true")


async def test_what_is_booked_in_one_browser_is_seen_in_the_other(site, browser):
    here = await room(site)
    here.person("Ines Step")
    here.book(here.person("Uma Step"), "11:00")
    async with reception(browser, here) as one, reception(browser, here) as other:
        await one.mouse.click(*await place(one, "09:30"))
        await one.get_by_label("Patient", exact=True).fill("Uma Step")
        await one.locator("#people").get_by_role("button", name="Uma Step").first.click()
        await book_by_hand(one)
        await expect(on_board(one, "Uma Step")).to_have_count(2)
        await expect(on_board(other, "Uma Step")).to_have_count(2)
        await on_board(other, "Uma Step").first.click()
        await other.get_by_role("button", name="Mark as arrived").click()
        await expect(on_board(one, "Arrived")).to_have_count(1)


async def test_a_browser_catches_up_after_it_was_away(site, browser):
    here = await room(site)
    async with reception(browser, here) as page:
        await expect(page.locator("#lost")).to_be_hidden()
        await page.context.set_offline(True)
        await expect(page.locator("#lost")).to_be_visible()
        await page.set_viewport_size({"width": 600, "height": 300})
        await page.locator("[data-show=list]").click()
        await page.evaluate("document.body.style.minHeight = '3000px'; scrollTo(0, 1500)")
        await expect(page.locator("#lost")).to_be_in_viewport(ratio=1)
        await page.locator("[data-show=board]").click()
        here.book(here.person("Otto Away"), "10:00")
        await page.context.set_offline(False)
        await expect(on_board(page, "Otto Away")).to_be_visible()
        await expect(page.locator("#lost")).to_be_hidden()


async def test_an_appointment_is_dragged_to_another_time(site, browser):
    here = await room(site)
    here.book(here.person("Dora Drag"), "09:00")
    async with reception(browser, here) as page:
        await drag(page, "Dora Drag", "10:30")
        await expect(page.locator("#told")).to_contain_text("Rescheduled.")
    assert [each["startTime"] for each in here.shows()] == [at("10:30").astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")]


async def test_one_that_is_dragged_onto_a_taken_time_goes_back_and_why_is_said(site, browser):
    here = await room(site)
    here.book(here.person("Gil Back"), "09:00")
    here.book(here.person("Tess Taken"), "10:00", 60)
    async with reception(browser, here) as page:
        await drag(page, "Gil Back", "10:15")
        dialog = page.locator("#appointment")
        await expect(dialog.get_by_role("alert")).to_contain_text("That time is taken")
        assert await faults_of(page) == []
        nearest = dialog.locator("[data-alternatives] button")
        await expect(nearest.first).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(on_board(page, "Gil Back")).to_contain_text("9:00 AM")
        await drag(page, "Gil Back", "10:15")
        await nearest.filter(has_text="9:30").click()
        await expect(page.locator("#told")).to_contain_text("Rescheduled.")
    assert here.shows()[0]["startTime"] == at("09:30").astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_a_new_patient_is_booked_where_a_free_time_was_pressed(site, browser):
    here = await room(site)
    async with reception(browser, here) as page:
        await page.mouse.click(*await place(page, "10:00"))
        await page.get_by_label("Patient", exact=True).fill("Nora Newcomer")
        await page.get_by_role("button", name="Add “Nora Newcomer” as a new patient").click()
        await page.get_by_label("Email", exact=False).fill("nora.newcomer@example.org")
        await page.get_by_label("Appointment type").select_option(label="Office visit (30 min)")
        await page.locator("#book-notes").fill("Comes with a crutch")
        assert await faults_of(page) == []
        await book_by_hand(page)
        await expect(on_board(page, "Nora Newcomer")).to_be_visible()
    assert [(each["startTime"], each["notes"]) for each in here.shows()] == [
        (at("10:00").astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "Comes with a crutch")
    ]


async def test_a_customer_of_another_clinic_is_found_by_the_whole_address(site, browser):
    here = await room(site)
    here.person("Elsa Elsewhere", email="elsa.elsewhere@example.org")
    async with reception(browser, here) as page:
        await page.mouse.click(*await place(page, "09:00"))
        await page.get_by_label("Patient", exact=True).fill("elsa.elsewhere@example.org")
        await page.locator("#people").get_by_role("button", name="Elsa Elsewhere").click()
        await book_by_hand(page)
        await expect(on_board(page, "Elsa Elsewhere")).to_be_visible()


async def test_a_rule_that_is_in_the_way_is_set_aside_with_a_reason(site, browser):
    here = await room(site)
    here.person("Paul Pain", email="paul.pain@example.org")
    async with reception(browser, here) as page:
        await page.locator("#new").click()
        await page.get_by_label("Patient", exact=True).fill("paul.pain@example.org")
        await page.locator("#people").get_by_role("button", name="Paul Pain").click()
        await page.locator("#book-time").fill("12:30")
        await book_by_hand(page)
        refusal = page.locator("#book").get_by_role("alert")
        await expect(refusal).to_contain_text("Outside the doctor’s hours")
        await refusal.get_by_label("Reason for override").fill("In pain")
        await refusal.get_by_role("button", name="Book anyway").click()
        await expect(on_board(page, "Paul Pain")).to_be_visible()
    assert [(each["overrides"], each["overrideReason"]) for each in here.shows()] == [(["outside-hours"], "In pain")]


async def test_an_appointment_is_taken_through_its_day(site, browser):
    here = await room(site, YESTERDAY)
    await here.had(here.person("Sam Steps"), "09:00", "pending")
    async with reception(browser, here) as page:
        await on_board(page, "Sam Steps").click()
        status = page.locator("#appointment [data-status]")
        for button, then in [
            ("Confirm", "Booked"),
            ("Mark as no-show", "No-show"),
            ("Mark as arrived", "Arrived"),
            ("Undo arrival", "Booked"),
            ("Mark as arrived", "Arrived"),
            ("Check in", "Checked in"),
            ("Complete", "Completed"),
        ]:
            await page.locator("#appointment").get_by_role("button", name=button).click()
            await expect(status).to_have_text(then)
            await expect(page.locator("#appointment")).not_to_have_attribute("aria-busy", "true")
        await expect(page.locator("#appointment [data-step]:visible")).to_have_count(0)


async def test_an_appointment_is_noted_and_cancelled_with_a_reason(site, browser):
    here = await room(site)
    here.book(here.person("Cleo Cancel"), "09:00")
    async with reception(browser, here) as page:
        await on_board(page, "Cleo Cancel").click()
        dialog = page.locator("#appointment")
        await dialog.get_by_label("Notes").fill("Wants a call")
        await save_notes(page)
        await dialog.locator("#cancelling summary").click()
        await dialog.get_by_label("Reason").fill("Feels better")
        await dialog.locator("#cancelling button").click()
        await expect(dialog.locator("[data-status]")).to_have_text("Cancelled")
        await page.keyboard.press("Escape")
        await expect(on_board(page, "Cleo Cancel")).to_have_count(0)
        await page.get_by_label("Status").select_option(label="Cancelled or no-show")
        await expect(on_board(page, "Cleo Cancel")).to_have_count(1)
    assert [(each["notes"], each["cancelReason"]) for each in here.shows()] == [("Wants a call", "Feels better")]


async def test_one_that_is_cancelled_too_late_needs_a_reason(site, browser):
    here = await room(site, YESTERDAY)
    await here.had(here.person("Lea Late"), "10:00", "booked")
    async with reception(browser, here) as page:
        await on_board(page, "Lea Late").click()
        dialog = page.locator("#appointment")
        await dialog.locator("#cancelling summary").click()
        await dialog.locator("#cancelling button").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("Too late to reschedule or cancel")
        await dialog.get_by_label("Reason for override").fill("Ill in bed")
        await dialog.get_by_role("button", name="Book anyway").click()
        await expect(dialog.locator("[data-status]")).to_have_text("Cancelled")
    assert [(each["overrides"], each["overrideReason"]) for each in here.shows()] == [(["too-late"], "Ill in bed")]


async def test_who_changes_what_somebody_else_has_changed_is_told_and_shown(site, browser):
    here = await room(site)
    made = here.book(here.person("Vera Version"), "09:00")
    async with reception(browser, here) as page:
        await on_board(page, "Vera Version").click()
        dialog = page.locator("#appointment")
        await dialog.get_by_label("Notes").fill("Mine")
        with browsers.api(site) as api:
            api.patch(
                f"/api/appointments/{made['id']}",
                json={"notes": "Theirs"},
                headers={"If-Match": f'"v{made["version"]}"'},
            ).raise_for_status()
        await dialog.get_by_role("button", name="Save notes").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("Someone else has changed this appointment")
        await expect(dialog.get_by_role("status")).to_contain_text("Theirs")
        await expect(dialog.get_by_label("Notes")).to_have_value("Mine")
        await dialog.get_by_label("Notes").fill("Theirs, and mine")
        await save_notes(page)
        await expect(dialog.get_by_role("status")).to_be_hidden()
    assert [each["notes"] for each in here.shows()] == ["Theirs, and mine"]


async def test_notes_that_are_not_saved_yet_outlive_a_step(site, browser):
    here = await room(site)
    here.book(here.person("Nina Notes"), "09:00")
    async with reception(browser, here) as page:
        await on_board(page, "Nina Notes").click()
        dialog = page.locator("#appointment")
        await dialog.get_by_label("Notes").fill("Came early")
        await dialog.get_by_role("button", name="Mark as arrived").click()
        await expect(dialog.locator("[data-status]")).to_have_text("Arrived")
        await expect(dialog.get_by_label("Notes")).to_have_value("Came early")
        await save_notes(page)
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        await on_board(page, "Nina Notes").click()
        await expect(dialog.get_by_label("Notes")).to_have_value("Came early")
    assert [each["notes"] for each in here.shows()] == ["Came early"]


async def test_who_is_signed_out_books_nothing_and_loses_nothing(site, browser):
    here = await room(site)
    here.person("Sia Session", email="sia.session@example.org")
    async with reception(browser, here) as page:
        await page.mouse.click(*await place(page, "10:00"))
        await page.get_by_label("Patient", exact=True).fill("sia.session@example.org")
        await page.locator("#people").get_by_role("button", name="Sia Session").click()
        await page.locator("#book-notes").fill("Needs an interpreter")
        other = await page.context.new_page()
        await other.goto(f"{site.url}/staff/{CLINIC}/patients")
        await follow(other.get_by_role("button", name="Sign out"))
        await expect(other).not_to_have_url(re.compile("/patients"))
        await book_by_hand(page)
        refusal = page.locator("#book").get_by_role("alert")
        await expect(refusal).to_contain_text("You are signed out")
        assert await faults_of(page) == []
        assert here.shows() == []
        async with page.context.expect_page() as opened:
            await refusal.get_by_role("link", name="Sign in").click()
        window = await opened.value
        await window.close()
        await sign_in(other, site.url, RECEPTION)
        await book_by_hand(page)
        await expect(on_board(page, "Sia Session")).to_be_visible()
    assert [each["notes"] for each in here.shows()] == ["Needs an interpreter"]


async def test_what_is_typed_for_one_person_is_not_sent_by_another(site, browser):
    here = await room(site)
    here.person("Ole Other", email="ole.other@example.org")
    async with reception(browser, here) as page:
        await page.mouse.click(*await place(page, "10:00"))
        await page.get_by_label("Patient", exact=True).fill("ole.other@example.org")
        await page.locator("#people").get_by_role("button", name="Ole Other").click()
        await sign_in(await page.context.new_page(), site.url, "manager@harborstreet.example.com")
        await book_by_hand(page)
        await expect(page.locator("#book").get_by_role("alert")).to_be_visible()
    assert here.shows() == []


@pytest.mark.parametrize(
    ("status", "type", "body"),
    [
        (502, "text/html", "<h1>Bad Gateway</h1>"),
        (200, "text/html", "<h1>Welcome to our network</h1>"),
        (503, "application/json", '{"message": "busy"}'),
        (502, "text/plain", ""),
    ],
)
async def test_an_answer_that_is_not_the_servers_is_told(site, browser, status, type, body):
    here = await room(site)
    here.book(here.person("Bad Gateway"), "09:00")
    async with reception(browser, here) as page:
        await page.route("**/arrive", lambda route: route.fulfill(status=status, content_type=type, body=body))
        await on_board(page, "Bad Gateway").click()
        await page.get_by_role("button", name="Mark as arrived").click()
        await expect(page.locator("#appointment").get_by_role("alert")).to_contain_text("The server isn’t responding")
        await page.unroute_all()
        await page.get_by_role("button", name="Mark as arrived").click()
        await expect(page.locator("#appointment [data-status]")).to_have_text("Arrived")


async def test_a_date_is_gone_to_when_it_is_typed_to_its_end(site, browser):
    here = await room(site)
    async with reception(browser, here) as page:
        there = DAY + timedelta(days=400)
        visits: list[str] = []
        page.on("request", lambda request: visits.append(request.url) if request.is_navigation_request() else None)
        await page.locator("#date").press_sequentially(f"{there:%m%d%Y}")
        await expect(page).to_have_url(here.address)
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile(f"date={there}"))
        await page.locator("#date").press_sequentially(f"{DAY:%m%d%Y}")
        async with page.expect_navigation():
            await page.locator("#doctor").focus()
        await expect(page).to_have_url(re.compile(f"date={DAY}"))
        await page.locator("#date").press_sequentially("01010002")
        await page.keyboard.press("Enter")
        await expect(page.locator("#date:out-of-range")).to_have_value("0002-01-01")
        await expect(page).to_have_url(re.compile(f"date={DAY}"))
        assert len(visits) == 2


async def test_a_date_that_is_picked_is_gone_to_at_once(site, browser):
    here = await room(site)
    async with reception(browser, here) as page:
        there = DAY + timedelta(days=1)
        async with page.expect_navigation():
            await page.locator("#date").fill(str(there))  # as the calendar of a browser does, without a key
        await expect(page).to_have_url(re.compile(f"date={there}"))


async def test_of_many_who_are_found_the_dialog_says_that_there_are_more(site, browser):
    here = await room(site)
    for number in range(9):
        who = here.person(f"Manfred Many {number}", birthDate=f"1990-02-0{number + 1}")
        await here.had(who, "09:00", "cancelled")
    async with reception(browser, here) as page:
        await page.locator("#new").click()
        for asked, many, more in (("many, manfred", 8, True), ("Many 2/7/1990", 1, False)):
            await page.get_by_label("Patient", exact=True).fill(asked)
            await expect(page.locator("#people").get_by_role("button", name="Manfred Many")).to_have_count(many)
            await expect(page.locator("#people").get_by_text("More results")).to_have_count(int(more))
        await expect(page.locator("#people").get_by_role("button", name="Manfred Many 6")).to_contain_text(
            "Feb 7, 1990"
        )


async def test_a_fault_is_told_at_its_field(site, browser):
    here = await room(site)
    async with reception(browser, here) as page:
        await page.mouse.click(*await place(page, "10:00"))
        await page.get_by_label("Patient", exact=True).fill("Fay Fault")
        await page.get_by_role("button", name="Add “Fay Fault” as a new patient").click()
        phone = page.get_by_label("Phone")
        await phone.fill("12")
        await book_by_hand(page)
        await expect(phone).to_be_focused()
        await expect(phone).to_have_attribute("aria-invalid", "true")
        await expect(page.locator("#person-phone-fault")).to_contain_text("3")
        await expect(page.locator("#book")).not_to_contain_text("phone:", use_inner_text=True)
        assert await faults_of(page) == []
        await phone.fill("")
        await book_by_hand(page)
        await expect(on_board(page, "Fay Fault")).to_be_visible()


async def test_a_time_that_clocks_skip_is_told_with_what_they_show(site, browser):
    here = await room(site)
    here.person("Gabi Gap", email="gabi.gap@example.org")
    noons = [
        datetime.combine(DAY + timedelta(days=number), datetime.min.time().replace(hour=12), ZONE)
        for number in range(366)
    ]
    spring = next(noon.date() for before, noon in pairwise(noons) if noon.utcoffset() > before.utcoffset())
    async with reception(browser, here) as page:
        await page.locator("#new").click()
        await page.get_by_label("Patient", exact=True).fill("gabi.gap@example.org")
        await page.locator("#people").get_by_role("button", name="Gabi Gap").click()
        await page.locator("#book-date").fill(str(spring))
        await page.locator("#book-time").fill("02:30")
        await book_by_hand(page)
        refusal = page.locator("#book").get_by_role("alert")
        await expect(refusal).to_contain_text("2:30 AM doesn’t exist on that day")
        await expect(refusal.locator("[data-alternatives] button")).to_contain_text(
            f"{spring:%b} {spring.day}, {spring.year}, 3:30 AM"
        )
    assert here.shows() == []


@pytest.mark.parametrize("language", ["en", "de", "es", "fr"])
async def test_times_are_written_alike_by_the_server_and_by_scripts(site, browser, language):
    here = await room(site)
    here.book(here.person("Tim Time"), "09:00")
    start, end, zone = at("09:00"), at("09:30"), str(ZONE)
    async with reception(browser, here) as page:
        await page.goto(f"{here.address}&lang={language}")
        await expect(on_board(page, "Tim Time")).to_contain_text(f"{date_formats.time(start, zone, language)} Tim Time")
        await expect(
            page.locator("#board .ec-sidebar time").filter(has_text=date_formats.time(start, zone, language))
        ).to_have_count(1)
        await on_board(page, "Tim Time").click()
        when = f"{date_formats.day(start, zone, language, 'short')}, {date_formats.hours(start, end, zone, language)}"
        await expect(page.locator("[data-when]")).to_have_text(when)


async def test_a_patient_is_searched_for_and_the_day_opens_at_their_appointment(site, browser):
    here = await room(site)
    here.book(here.person("Zoe Searched"), "11:00")
    async with reception(browser, here) as page:
        await page.keyboard.press("/")
        await page.keyboard.type("zoe search")
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile("/day/search"))
        assert await faults_of(page) == []
        await follow(page.get_by_role("row", name="Zoe Searched").get_by_role("link").nth(1))
        await expect(page.locator("#appointment[open] h2")).to_have_text("Zoe Searched")


async def test_a_day_prints_a_sheet_for_each_doctor(site, browser):
    here = await room(site)
    here.book(here.person("Pia Print"), "09:00", notes="Bring the film")
    async with reception(browser, here) as page:
        await follow(page.get_by_role("link", name="Print"))
        sheet = page.locator(".sheet", has_text=here.name)
        await expect(sheet.get_by_role("row", name="Pia Print")).to_contain_text("Bring the film")
        assert await faults_of(page) == []
        await expect(page.get_by_role("link", name="Back to day view")).to_be_visible()
        await page.emulate_media(media="print")
        await expect(page.get_by_role("link", name="Back to day view")).to_be_hidden()


async def test_without_a_script_the_day_is_a_list(site, browser):
    here = await room(site)
    here.book(here.person("Lis List"), "09:00")
    async with reception(browser, here, java_script_enabled=False) as page:
        await expect(page.get_by_role("row", name="Lis List")).to_contain_text("Booked")


async def test_a_doctor_sees_their_own_column(site, browser):
    here = Room(site, "", "")
    async with reception(browser, here, "okafor@harborstreet.example.com") as page:
        await expect(page.locator("#date")).not_to_have_value("")
        while datetime.fromisoformat(await page.locator("#date").input_value()).weekday() > 3:
            await follow(page.locator("#after"))
        await expect(page.locator("#board .ec-col-head strong")).to_have_text(["Dr. Grace Okafor"])


async def test_a_day_without_hours_says_where_to_publish_them(site, browser):
    here = await room(site)
    async with reception(browser, here) as page:
        await page.goto(here._replace(day=DAY + timedelta(days=1)).address)
        await expect(page.locator("#nobody")).to_contain_text("No hours are published for this time.")
        await expect(page.locator("#nobody").get_by_role("link")).to_have_attribute("href", f"/staff/{CLINIC}/hours")


async def test_all_of_it_goes_by_keyboard(site, browser):
    here = await room(site)
    here.person("Kim Keys", email="kim.keys@example.org")
    async with reception(browser, here) as page:
        await page.keyboard.press("n")
        await page.keyboard.type("kim.keys@example.org")
        await expect(page.locator("#people").get_by_role("button", name="Kim Keys")).to_be_visible()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(page.locator("#book-type")).to_be_focused()
        await tab_to(page.locator("#booking button:not([type=button])"))
        await page.keyboard.press("Enter")
        await expect(on_board(page, "Kim Keys")).to_be_visible()
        await expect(page.locator("#book")).to_be_hidden()
        await tab_to(on_board(page, "Kim Keys"))
        await page.keyboard.press("Enter")
        await expect(page.locator("#appointment")).to_be_visible()
        await tab_to(page.locator("#moving summary"))
        await page.keyboard.press("Enter")
        await expect(page.locator("#move-time")).to_be_visible()
        await tab_to(page.locator("#move-time"))
        await page.keyboard.type("1100AM")
        await page.keyboard.press("Enter")
        await expect(page.locator("#told")).to_have_text("Rescheduled.")
        await page.keyboard.press("Escape")
        await expect(page.locator("#appointment")).to_be_hidden()
        async with page.expect_navigation():
            await page.keyboard.press("Shift+ArrowRight")
        await expect(page).to_have_url(re.compile(f"date={DAY + timedelta(days=1)}"))
        await page.keyboard.press("?")
        await expect(page.locator("#help")).to_be_visible()
    assert [each["startTime"] for each in here.shows()] == [at("11:00").astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")]


async def test_a_week_is_one_doctors_and_another_is_chosen_beside_it(site, browser):
    here, there = await room(site), await room(site)
    here.book(here.person("Ines Blau"), "09:30")
    there.book(there.person("Otto Grau"), "09:30")
    async with reception(browser, here) as page:
        await page.goto(f"{site.url}/staff/{CLINIC}/week?date={DAY}")
        whose = page.locator("#doctor")
        await expect(whose).not_to_have_value("")
        await expect(whose.locator("option", has_text="All doctors")).to_have_count(0)
        for mine, others, name in ((here, "Otto Grau", "Ines Blau"), (there, "Ines Blau", "Otto Grau")):
            async with page.expect_navigation():
                await whose.select_option(mine.doctor_id)
            await expect(on_board(page, name)).to_be_visible()
            await expect(page).to_have_title(re.compile(re.escape(mine.name)))
            await expect(on_board(page, others)).to_have_count(0)


async def test_of_many_doctors_the_names_and_the_hours_stay_in_sight(site, browser):
    day = DAY + timedelta(days=1)
    rooms = [await room(site, day) for _ in range(12)]
    async with reception(browser, rooms[0]) as page:
        await page.set_viewport_size({"width": 1024, "height": 768})
        await page.goto(f"{site.url}/staff/{CLINIC}/day?date={day}")
        last = page.locator("#board .ec-col-head").filter(has_text=rooms[-1].name)
        await last.scroll_into_view_if_needed()
        await page.locator("#board .ec-main").evaluate("(board) => { board.scrollTop = 200; }")
        await expect(last).to_be_in_viewport(ratio=0.9)
        board, hour = (
            await page.locator("#board .ec-main").bounding_box(),
            await page.locator("#board .ec-body .ec-sidebar").bounding_box(),
        )
        assert abs(hour["x"] - board["x"]) < 2
        assert await page.locator("#board .ec-main").evaluate(
            "(board) => [board.scrollLeft, board.scrollTop].every((each) => each > 100)"
        )


async def test_a_telephone_shows_the_list_and_books_from_it(site, browser):
    here = await room(site)
    here.book(here.person("Tom Telephone"), "09:00")
    async with reception(browser, here) as page:
        await page.set_viewport_size({"width": 320, "height": 700})
        await page.reload()
        assert await page.evaluate("document.documentElement.scrollWidth") == 320
        await page.get_by_role("link", name="Tom Telephone").click()
        await page.get_by_role("button", name="Mark as arrived").click()
        await expect(page.locator("#appointment [data-status]")).to_have_text("Arrived")
        assert await page.evaluate("document.documentElement.scrollWidth") == 320


@pytest.mark.parametrize("language", AXE_LANGUAGES)
async def test_nothing_serious_is_wrong_in_any_language_light_or_dark(site, browser, language):
    here = await room(site)
    here.book(here.person("Axel Access"), "09:00", notes="Deaf")
    for scheme in ("light", "dark"):
        context, page, watched = await browsers.new_page(browser, language, color_scheme=scheme)
        await page.goto(f"{site.url}/staff/sign-in?next=/staff/{CLINIC}/day?date={DAY}")
        await page.locator("input[name=email]").fill(RECEPTION)
        await page.locator("input[name=password]").fill(browsers.PASSWORD)
        await follow(page.locator("main button"))
        await expect(page).not_to_have_url(re.compile("sign-in"))
        for address in (
            here.address,
            here.address.replace("/day?", "/week?"),
            here.address.replace("/day?", "/day/print?"),
            f"{site.url}/staff/{CLINIC}/day/search?q=axel",
        ):
            await page.goto(address)
            assert await faults_of(page) == []
        await page.goto(here.address)
        await on_board(page, "Axel Access").click()
        await expect(page.locator("#appointment")).to_be_visible()
        assert await faults_of(page) == []
        await page.keyboard.press("Escape")
        await expect(page.locator("#appointment")).to_be_hidden()
        await page.locator("[data-show=list]").click()
        await expect(page.locator("#list")).to_be_visible()
        assert await faults_of(page) == []
        await page.locator("#new").click()
        await expect(page.locator("#book")).to_be_visible()
        assert await faults_of(page) == []
        await context.close()
        assert watched.complaints == []


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Antarctica/Troll", "Asia/Kolkata"]
)
async def test_wall_times_become_the_same_instants_as_in_the_database(site, page, zone):
    """On the days when clocks change: at an hour that is skipped, and at one that comes twice."""
    noons = [datetime(2027, 1, 1, 12, tzinfo=ZoneInfo(zone)) + timedelta(days=number) for number in range(365)]
    days = [noon.date() for before, noon in pairwise(noons) if before.utcoffset() != noon.utcoffset()] or [
        noons[0].date()
    ]
    connection = await asyncpg.connect(site.database_url)
    rows = await connection.fetch(
        "select d, m, local_instant(d, m, $2) as instant from unnest($1::date[]) as d, generate_series(0, 1410, 30) as m",
        days,
        zone,
    )
    await connection.close()
    esbuild = next(AXE.parents[1].glob("@esbuild/*/bin/esbuild"))
    built = subprocess.run(
        [esbuild, SCRIPTS / "_zone.ts", "--bundle", "--format=iife", "--global-name=walls"],
        check=True,
        capture_output=True,
        text=True,
    )
    walls = [f"{row['d']}T{row['m'] // 60:02}:{row['m'] % 60:02}" for row in rows]
    script = (
        f"(asked) => {{ {built.stdout}; return asked[0].map((each) => walls.instantOf(each, asked[1]).toISOString()) }}"
    )
    date_formats = await page.evaluate(script, [walls, zone])
    assert [datetime.fromisoformat(each) for each in date_formats] == [row["instant"] for row in rows]
