"""Staff set up their clinic by pages: what it says of itself, doctors, appointment types, hours and absences.

Doctors and types are the tests' own, at the third clinic of the demo world, which insists on versions.
"""

import re
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.async_api import expect

from support import browsers
from support.app import TOKEN
from support.browsers import AXE_LANGUAGES, api, faults_of, follow, sign_in

pytestmark = pytest.mark.anyio

CLINIC = 3
ZONE = timedelta(hours=5, minutes=30)
"""Kolkata is always that far ahead."""
MANAGER, RECEPTION, DOCTOR = (
    "manager@lotuslane.example.net",
    "reception@lotuslane.example.net",
    "iyer@lotuslane.example.net",
)


def coming(weekday: int) -> date:
    """A date of the third week from now, in which the clinic has no holiday; Monday is 0."""
    today = datetime.now(UTC).date()
    return today + timedelta(days=21 - today.weekday() + weekday)


def at(day: date, hour: int, minute: int = 0) -> str:
    """A wall time of the clinic as the API takes it."""
    return (datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) - ZONE).isoformat()


class Practice:
    """A doctor of one's own, with a type that nobody else offers."""

    def __init__(self, site, *, week=None, offers=True):
        self.api = api(site)
        self.name = f"Dr {uuid4().hex[:8]}"
        self.type = (
            self.made(f"/api/clinics/{CLINIC}/appointmentTypes", {"name": f"Visit {self.name}", "minutes": 20})["id"]
            if offers
            else None
        )
        self.doctor = self.made(
            f"/api/clinics/{CLINIC}/doctors", {"name": self.name, "appointmentTypeIds": [self.type] if offers else None}
        )["id"]
        if week:
            etag = self.api.get(f"/api/doctors/{self.doctor}/schedule").headers["ETag"]
            answer = self.api.put(
                f"/api/doctors/{self.doctor}/schedule", json={"weekly": week}, headers={"If-Match": etag}
            )
            assert answer.status_code == 200, answer.text
            self.made(
                "/api/availability/createBookingSlots",
                {
                    "clinicId": CLINIC,
                    "doctorId": self.doctor,
                    "from": str(coming(0) - timedelta(days=7)),
                    "to": str(coming(6) + timedelta(days=7)),
                },
            )

    def made(self, path, body):
        answer = self.api.post(path, json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def book(self, day, hour, minute=0, name="Asha Sen"):
        customer = self.made("/api/customers", {"name": name})["id"]
        return self.made(
            "/api/appointments",
            {
                "customerId": customer,
                "doctorId": self.doctor,
                "appointmentTypeId": self.type,
                "startTime": at(day, hour, minute),
            },
        )

    def slots(self):
        return [
            slot["startTime"]
            for slot in self.api.get(f"/api/doctors/{self.doctor}/bookingSlots?limit=200").json()["items"]
        ]


def hours(start, end):
    return [{"startTime": start, "endTime": end}]


@pytest.fixture
async def staff(site, page):
    """Signed in as the clinic's manager."""
    await sign_in(page, site.url, MANAGER)
    page.on("dialog", lambda dialog: dialog.accept())
    return page


def place(site, path=""):
    return f"{site.url}/staff/{CLINIC}/{path}"


async def expect_notice(page, text):
    """Wait for what a form says on the next page."""
    await expect(page.locator(".notice.good[role=status]")).to_have_text(text, use_inner_text=True)


async def test_a_manager_changes_what_the_clinic_asks_of_bookings(site, staff):
    await staff.goto(place(site, "clinic"))
    await staff.get_by_label("Minimum notice for changes").fill("2")
    await staff.locator("[id='policy.cancelNoticeMinutes-unit']").select_option("1440")
    await staff.get_by_label("7 days").check()
    await follow(staff.get_by_role("button", name="Save"))
    await expect_notice(staff, "Saved.")
    clinic = api(site).get(f"/api/clinics/{CLINIC}").json()
    assert (clinic["policy"]["cancelNoticeMinutes"], 10080 in clinic["notifications"]["reminderMinutes"]) == (
        2880,
        True,
    )
    await expect(staff.get_by_label("Minimum notice for changes")).to_have_value("2")
    await staff.get_by_label("Minimum notice for changes").fill("0")
    await staff.get_by_label("7 days").uncheck()
    await follow(staff.get_by_role("button", name="Save"))
    await expect(staff.get_by_label("Minimum notice for changes")).to_have_value("0")


async def test_a_fault_is_told_at_its_field_and_nothing_typed_is_lost(site, staff):
    await staff.goto(place(site, "clinic"))
    await staff.locator("#address").fill("8 Lotus Lane")
    await staff.get_by_label("URL name (slug)").fill("Lotus Lane!")
    await staff.get_by_role("button", name="Save").click()
    await expect(staff.locator("#slug[aria-invalid=true]")).to_be_visible()
    await expect(staff.locator("#slug-fault")).not_to_be_empty()
    await staff.get_by_label("URL name (slug)").fill("spreebogen")
    await staff.get_by_role("button", name="Save").click()
    await expect(staff.get_by_role("alert").get_by_text("URL name already in use")).to_be_visible()
    await expect(staff.locator("#slug-fault")).to_contain_text("Another clinic already uses this URL name")
    await expect(staff.locator("#address")).to_have_value("8 Lotus Lane")


async def test_who_is_second_is_told_so_and_can_load_anew(site, staff):
    await staff.goto(place(site, "clinic"))
    client = api(site)
    etag = client.get(f"/api/clinics/{CLINIC}").headers["ETag"]
    assert (
        client.patch(f"/api/clinics/{CLINIC}", json={"phone": "+913322221111"}, headers={"If-Match": etag}).status_code
        == 200
    )
    await staff.get_by_label("Phone").fill("+913322223333")
    await staff.get_by_role("button", name="Save").click()
    await expect(staff.get_by_role("alert")).to_contain_text("Someone else changed this in the meantime.")
    await expect(staff.get_by_role("alert")).not_to_contain_text("If-Match", use_inner_text=True)
    await expect(staff.get_by_label("Phone")).to_have_value("+913322223333")
    await follow(staff.get_by_role("button", name="Reload"))
    await expect(staff.get_by_label("Phone")).to_have_value("+913322221111")


async def test_the_booking_page_and_what_embeds_it_are_shown(site, staff):
    await staff.goto(place(site, "clinic"))
    await expect(staff.get_by_role("link", name="/c/lotus-lane")).to_have_attribute("href", "/c/lotus-lane")
    await expect(staff.locator("#snippet")).to_have_text(
        f'<script src="{site.url}/embed.js" data-clinic="lotus-lane" async></script>', use_inner_text=True
    )


async def test_the_administrator_closes_a_clinic_and_brings_it_back(site, browser):
    client = api(site)
    clinic_id = client.post("/api/clinics", json={"name": "Short-lived", "timeZone": "Europe/Paris"}).json()["id"]
    context = await browser.new_context(
        locale="en", extra_http_headers={"Accept-Language": "en", "Authorization": f"Bearer {TOKEN}"}
    )
    page = await context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    await page.goto(f"{site.url}/staff/{clinic_id}/clinic")
    await follow(page.get_by_role("button", name="Close clinic"))
    await expect_notice(page, "Clinic closed.")
    assert client.get(f"/api/clinics/{clinic_id}").json()["active"] is False
    await follow(page.get_by_role("button", name="Reactivate"))
    await expect(page.get_by_text("Clinic reopened.")).to_be_visible()
    assert client.get(f"/api/clinics/{clinic_id}").json()["active"] is True
    await context.close()


@pytest.mark.parametrize(
    ("email", "path"),
    [
        (RECEPTION, "clinic"),
        (RECEPTION, "doctors"),
        (RECEPTION, "types"),
        (DOCTOR, "clinic"),
        (DOCTOR, "hours/changes"),
    ],
)
async def test_who_does_not_manage_the_clinic_sees_no_settings(site, page, email, path):
    await sign_in(page, site.url, email)
    assert (await page.goto(place(site, path))).status == 403


async def test_a_doctor_is_added_and_says_what_they_offer(site, staff):
    mine = Practice(site)
    name = f"Dr {uuid4().hex[:8]}"
    await staff.goto(place(site, "doctors"))
    await follow(staff.get_by_role("link", name="Add doctor"))
    await staff.get_by_label("Name").fill(name)
    await staff.get_by_label("Specialty").fill("Sports medicine")
    await staff.get_by_label(f"Visit {mine.name}").check()
    await follow(staff.get_by_role("button", name="Add"))
    await expect_notice(staff, re.compile("Now set their working hours"))
    await expect(staff.locator("h1")).to_have_text(name, use_inner_text=True)
    doctor_id = staff.url.rpartition("/")[2]
    doctor = mine.api.get(f"/api/doctors/{doctor_id}").json()
    assert (doctor["specialty"], doctor["appointmentTypeIds"]) == ("Sports medicine", [mine.type])
    await staff.goto(place(site, f"doctors/{doctor_id}"))
    await staff.get_by_label(f"Visit {mine.name}").uncheck()
    await staff.get_by_label("Email").fill("not an address")
    await staff.locator("form[data-api^=PATCH]").evaluate("form => form.noValidate = true")
    await staff.get_by_role("button", name="Save").click()
    await expect(staff.locator("#email[aria-invalid=true]")).to_be_visible()
    await staff.get_by_label("Email").fill("")
    await follow(staff.get_by_role("button", name="Save"))
    await expect(staff).to_have_url(place(site, "doctors"))
    assert mine.api.get(f"/api/doctors/{doctor_id}").json()["appointmentTypeIds"] is None


async def test_a_doctor_with_appointments_cannot_leave_and_one_without_can(site, staff):
    mine = Practice(site, week={"monday": hours("09:00", "12:00")})
    appointment = mine.book(coming(0), 9)
    await staff.goto(place(site, f"doctors/{mine.doctor}"))
    await staff.get_by_role("button", name="Mark as left").click()
    await expect(staff.get_by_role("alert")).to_contain_text("Upcoming appointments with this doctor: 1.")
    version = mine.api.get(f"/api/appointments/{appointment['id']}").headers["ETag"]
    assert mine.api.delete(f"/api/appointments/{appointment['id']}", headers={"If-Match": version}).status_code == 204
    await follow(staff.get_by_role("button", name="Mark as left"))
    await expect_notice(staff, f"{mine.name} is marked as left.")
    await follow(staff.get_by_role("link", name="Former"))
    await follow(staff.get_by_role("link", name=mine.name))
    await follow(staff.get_by_role("button", name="Reactivate"))
    await expect(staff).to_have_url(place(site, f"hours/{mine.doctor}"))
    assert mine.api.get(f"/api/doctors/{mine.doctor}").json()["active"] is True


@pytest.mark.parametrize(
    "price",
    [
        ("12,5", "EUR", 1250, "€12.50"),
        ("1500", "JPY", 1500, "¥1,500"),
        ("1.234", "KWD", 1234, "KWD1.234"),
        ("0.29", "USD", 29, "$0.29"),
    ],
)
async def test_a_price_is_kept_in_the_minor_units_of_its_currency(site, staff, price):
    typed, currency, amount, shown = price
    name = f"Priced {uuid4().hex[:8]}"
    await staff.goto(place(site, "types/new"))
    await staff.get_by_label("Name").fill(name)
    await staff.get_by_label("Price").fill(typed)
    await staff.get_by_label("Currency").select_option(currency)
    await follow(staff.get_by_role("button", name="Add"))
    await expect(staff).to_have_url(place(site, "types"))
    row = staff.get_by_role("row").filter(has_text=name)
    await expect(row).to_contain_text(shown)
    await follow(row.get_by_role("link"))
    type_id = staff.url.rpartition("/")[2]
    assert api(site).get(f"/api/appointmentTypes/{type_id}").json()["price"] == {"amount": amount, "currency": currency}
    await staff.get_by_label("Price").fill("")
    await follow(staff.get_by_role("button", name="Save"))
    await expect(staff).to_have_url(place(site, "types"))
    assert api(site).get(f"/api/appointmentTypes/{type_id}").json()["price"] is None


async def test_an_amount_that_the_currency_does_not_have_is_refused(site, staff):
    await staff.goto(place(site, "types/new"))
    await staff.get_by_label("Currency").select_option("JPY")
    await staff.get_by_label("Price").fill("12.50")
    await expect(staff.locator("#price-fault")).to_have_text("Enter an amount, such as 1250", use_inner_text=True)
    await staff.get_by_label("Name").fill("Never")
    await staff.get_by_role("button", name="Add").click()
    await expect(staff.locator("#amount")).to_be_focused()  # the browser's own answer to a form that is not valid
    await expect(staff.get_by_label("Name")).to_have_value("Never")
    await staff.get_by_label("Price").fill("1250")
    await expect(staff.locator("#price-fault")).to_be_empty()


async def test_a_type_is_offered_no_more_and_comes_back(site, staff):
    mine = Practice(site)
    await staff.goto(place(site, f"types/{mine.type}"))
    await staff.get_by_label("Minutes", exact=True).fill("3")
    await staff.locator("form.settings").evaluate("form => form.noValidate = true")
    await staff.get_by_role("button", name="Save").click()
    await expect(staff.locator("#minutes[aria-invalid=true]")).to_be_visible()
    await follow(staff.get_by_role("button", name="Stop offering"))
    await expect_notice(staff, "Appointment type no longer offered.")
    await follow(staff.get_by_role("link", name="No longer offered"))
    await follow(staff.get_by_role("link", name=f"Visit {mine.name}"))
    await follow(staff.get_by_role("button", name="Reactivate"))
    await expect(staff.get_by_text("Appointment type offered again.")).to_be_visible()


async def test_time_slots_that_intersect_are_told_at_the_field(site, staff):
    await staff.goto(place(site, "hours/time-slots/new"))
    await staff.get_by_label("Name").fill("Late")
    await staff.get_by_label("From").fill("19:00")
    await staff.get_by_label("Until").fill("00:00")
    await staff.get_by_role("button", name="Save").click()
    await expect(staff.locator("#startTime[aria-invalid=true]")).to_be_visible()
    await expect(staff.locator("#startTime-fault")).to_contain_text("another time slot")
    await staff.get_by_label("From").fill("21:00")
    await follow(staff.get_by_role("button", name="Save"))
    await expect(staff).to_have_url(place(site, "hours"))
    late = next(
        slot for slot in api(site).get(f"/api/clinics/{CLINIC}/timeslots").json()["items"] if slot["name"] == "Late"
    )
    assert (late["startTime"], late["endTime"]) == ("21:00", "24:00")
    await follow(staff.get_by_role("link", name="Late"))
    await expect(staff.get_by_label("Until")).to_have_value("00:00")
    await staff.goto(place(site, "hours"))
    await follow(staff.get_by_role("button", name="Remove – Late"))
    await expect_notice(staff, "Removed.")
    await expect(staff.get_by_role("link", name="Late")).to_have_count(0)


async def test_a_week_is_edited_copied_and_saved_and_then_published(site, staff):
    mine = Practice(site)
    await staff.goto(place(site, f"hours/{mine.doctor}"))
    monday = staff.locator("[data-day=monday]")
    await monday.get_by_role("button", name="Add hours").click()
    await monday.get_by_label("From").fill("09:00")
    await monday.get_by_label("Until").fill("12:00")
    await monday.get_by_role("button", name="Add hours").click()
    await monday.get_by_label("Time slot").nth(1).select_option(label="Evening OPD")
    await expect(monday.get_by_label("From").nth(1)).to_have_value("17:00")
    await monday.get_by_label("Copy Monday to").select_option("wednesday")
    await staff.locator("[data-day=wednesday]").get_by_role("button", name="Remove").nth(0).click()
    await staff.get_by_role("button", name="Preview changes").click()
    await expect(staff.get_by_text("Published hours don’t change.")).to_be_visible()
    assert not any(mine.api.get(f"/api/doctors/{mine.doctor}/schedule").json()["weekly"].values())
    await follow(staff.get_by_role("button", name="Save", exact=True))
    await expect(staff).to_have_url(place(site, "hours"))
    await expect_notice(staff, "Week saved. New dates are published tonight, or you can publish them now below.")
    week = mine.api.get(f"/api/doctors/{mine.doctor}/schedule").json()["weekly"]
    told_of = {
        day: [(each["startTime"], each["endTime"], bool(each["timeSlotId"])) for each in lines]
        for day, lines in week.items()
        if lines
    }
    assert told_of == {
        "monday": [("09:00", "12:00", False), ("17:00", "20:00", True)],
        "wednesday": [("17:00", "20:00", True)],
    }
    assert mine.slots() == []
    await follow(staff.get_by_role("button", name="Publish now"))
    await expect(staff.get_by_text("New slots published: ")).to_be_visible()
    assert len(mine.slots()) >= 9


async def test_hours_that_overlap_are_told_at_their_row(site, staff):
    mine = Practice(site)
    await staff.goto(place(site, f"hours/{mine.doctor}"))
    tuesday = staff.locator("[data-day=tuesday]")
    for start, end in (("09:00", "12:00"), ("11:00", "13:00")):
        await tuesday.get_by_role("button", name="Add hours").click()
        await tuesday.get_by_label("From").last.fill(start)
        await tuesday.get_by_label("Until").last.fill(end)
    await staff.get_by_role("button", name="Preview changes").click()
    await expect(tuesday.locator(".fault").nth(1)).to_contain_text("overlaps other hours on that day")
    await expect(tuesday.get_by_label("Until").last).to_have_value("13:00")


async def test_what_a_change_would_do_is_shown_before_it_is_done(site, staff):
    mine = Practice(site, week={"monday": hours("09:00", "12:00"), "tuesday": hours("09:00", "12:00")})
    mine.book(coming(0), 9, name="Ila Bose")
    before = mine.slots()
    await staff.goto(place(site, f"hours/{mine.doctor}"))
    await staff.locator("[data-day=monday]").get_by_label("From").fill("10:00")
    await staff.locator("[data-day=friday]").get_by_role("button", name="Add hours").click()
    await staff.locator("[data-day=friday]").get_by_label("From").fill("14:00")
    await staff.locator("[data-day=friday]").get_by_label("Until").fill("16:00")
    week = mine.api.get(f"/api/doctors/{mine.doctor}/schedule").json()
    await staff.get_by_role("button", name="Preview changes").click()
    row = staff.locator("#days tr").filter(has_text=f"{coming(0):%b} {coming(0).day}")
    await expect(row.locator(".goes")).to_have_text("9:00 AM – 12:00 PM", use_inner_text=True)
    await expect(row.locator(".comes")).to_have_text("10:00 AM – 12:00 PM", use_inner_text=True)
    stranded = staff.locator("#stranded tbody tr")
    await expect(stranded.locator("th")).to_have_text("Ila Bose", use_inner_text=True)
    await expect(stranded.get_by_role("link")).to_have_attribute("href", f"/staff/{CLINIC}/day?date={coming(0)}")
    assert await faults_of(staff) == []
    await staff.get_by_role("button", name="Save and apply").click()
    await expect(staff.get_by_role("alert")).to_contain_text("Appointments outside the new hours: 1.")
    await staff.get_by_role("button", name="Cancel").click()
    assert (mine.slots(), mine.api.get(f"/api/doctors/{mine.doctor}/schedule").json()) == (before, week)
    await expect(staff.locator("[data-day=monday]").get_by_label("From")).to_have_value("10:00")
    await staff.locator("[data-day=friday]").get_by_label("Until").fill("17:00")
    await staff.get_by_role("button", name="Preview changes").click()
    await expect(staff.locator(".comes").get_by_text("2:00 – 5:00 PM").first).to_be_visible()
    await staff.get_by_label("Keep them for now").check()
    await follow(staff.get_by_role("button", name="Save and apply"))
    await expect(staff).to_have_url(place(site, "absences/rebook"))
    assert at(coming(4), 14)[:16] in [slot[:16] for slot in mine.slots()]
    await staff.goto(place(site, f"hours/changes/{mine.doctor}"))
    await expect(staff.get_by_text("Published hours match the weekly hours")).to_be_visible()


async def test_a_line_for_a_time_is_added_copied_and_removed(site, staff):
    mine = Practice(site, week={"monday": hours("09:00", "12:00")})
    await staff.goto(place(site, f"hours/line/{mine.doctor}"))
    await staff.get_by_label("Weekday").select_option("saturday")
    await staff.get_by_label("From", exact=True).fill("10:00")
    await staff.get_by_label("Until", exact=True).fill("13:00")
    await staff.get_by_label("Valid from").fill(str(coming(0)))
    await staff.get_by_label("Valid until").fill(str(coming(0) - timedelta(days=1)))
    await staff.get_by_role("button", name="Save").click()
    await expect(staff.locator("#validUntil[aria-invalid=true]")).to_be_visible()
    await staff.get_by_label("Valid until").fill(str(coming(6)))
    await follow(staff.get_by_role("button", name="Save"))
    await expect(staff).to_have_url(place(site, f"hours/changes/{mine.doctor}"))
    await staff.goto(place(site, f"hours/{mine.doctor}"))
    await expect(staff.get_by_text("Saving this week replaces other hours")).to_be_visible()
    saturday = staff.get_by_role("row").filter(has_text="Saturday")
    await follow(saturday.get_by_role("link", name="Copy"))
    await staff.get_by_role("button", name="Save").click()
    await expect(staff.locator("#weekday[aria-invalid=true]")).to_be_visible()
    await staff.goto(place(site, f"hours/{mine.doctor}"))
    await follow(saturday.get_by_role("button", name="Remove"))
    await expect(staff.get_by_text("Removed. Published hours don’t change")).to_be_visible()
    await expect(saturday).to_have_count(0)


async def test_appointments_in_the_way_of_an_absence_are_moved_by_one_click(site, staff):
    mine = Practice(site, week={"monday": hours("09:00", "12:00"), "tuesday": hours("09:00", "12:00")})
    kept, moved = mine.book(coming(0), 9, name="Ila Bose"), mine.book(coming(0), 10, name="Tara Roy")
    await staff.goto(place(site, "absences"))
    await follow(staff.get_by_role("link", name="Add absence").first)
    await staff.get_by_label("Who").select_option(mine.doctor)
    await staff.get_by_label("First day").fill(str(coming(0)))
    await staff.get_by_label("Last day").fill(str(coming(0) - timedelta(days=1)))
    await follow(staff.get_by_role("button", name="Check for conflicts"))
    await expect(staff.locator("#until-fault")).not_to_be_empty()
    await staff.get_by_label("Last day").fill("")
    await follow(staff.get_by_role("button", name="Check for conflicts"))
    await expect(staff.get_by_role("heading", name="Affected appointments")).to_be_visible()
    assert await faults_of(staff) == []
    await expect(staff.locator("#to-move h3")).to_have_text(["Ila Bose", "Tara Roy"], use_inner_text=True)
    await staff.get_by_label("Reason").fill("Wedding")
    card = staff.locator("#to-move > li").filter(has_text="Tara Roy")
    offer = card.get_by_role("button").first
    await expect(offer).to_contain_text("9:", use_inner_text=True)
    await follow(offer)
    await expect_notice(staff, "Tara Roy: appointment rescheduled. They will be notified.")
    await expect(staff.locator("#to-move h3")).to_have_text(["Ila Bose"], use_inner_text=True)
    assert mine.api.get(f"/api/appointments/{moved['id']}").json()["startTime"] != moved["startTime"]
    await expect(staff.get_by_label("Reason")).to_have_value("Wedding")
    await follow(staff.get_by_role("button", name="Add absence and keep for rebooking"))
    await expect(staff).to_have_url(place(site, "absences/rebook"))
    assert mine.api.get(f"/api/appointments/{kept['id']}").json()["needsRebooking"] is True
    card = staff.locator("#to-move > li").filter(has_text=mine.name)
    await follow(card.get_by_role("button").first)
    await expect(staff.get_by_text("Ila Bose: appointment rescheduled. They will be notified.")).to_be_visible()
    await expect(card).to_have_count(0)
    assert mine.api.get(f"/api/appointments/{kept['id']}").json()["needsRebooking"] is False
    await staff.goto(place(site, "absences"))
    row = staff.get_by_role("row").filter(has_text=mine.name)
    await expect(row).to_contain_text("Wedding", use_inner_text=True)
    await follow(row.get_by_role("button", name="Remove"))
    await expect(staff.get_by_text("Absence removed")).to_be_visible()
    await expect(row).to_have_count(0)


async def test_the_whole_clinic_is_closed_where_that_is_chosen(site, staff):
    day, client = datetime.now(UTC).date() + timedelta(days=300), api(site)
    await staff.goto(place(site, "absences/new"))
    await staff.get_by_label("First day").fill(str(day))
    await staff.get_by_role("button", name="Check for conflicts").click()
    await expect(staff.locator("#doctor:invalid")).to_be_focused()
    await staff.get_by_label("Who").select_option("Whole clinic closed")
    await follow(staff.get_by_role("button", name="Check for conflicts"))
    await expect(staff.get_by_text("No conflicts.")).to_be_visible()
    await follow(staff.get_by_role("button", name="Add absence"))
    await expect(staff).to_have_url(place(site, "absences"))
    listed = client.get(f"/api/clinics/{CLINIC}/absences?limit=200").json()["items"]
    (absence,) = [
        each for each in listed if each["doctorId"] is None and each["startTime"] > str(day - timedelta(days=2))
    ]
    assert client.delete(f"/api/absences/{absence['id']}", headers={"If-Match": "*"}).status_code == 204


async def test_a_second_type_of_one_name_is_told_at_the_name(site, staff):
    mine = Practice(site)
    await staff.goto(place(site, "types/new"))
    await staff.get_by_label("Name").fill(f" visit {mine.name} ")
    await expect(staff.locator("#name-fault")).to_contain_text("Another appointment type already has this name.")
    await staff.get_by_role("button", name="Add").click()
    await expect(staff.locator("#name:invalid")).to_be_focused()  # the browser sends no form that is not valid
    await expect(staff).to_have_url(place(site, "types/new"))
    await staff.goto(place(site, f"types/{mine.type}"))
    await follow(staff.get_by_role("button", name="Save"))
    await expect(staff).to_have_url(place(site, "types"))


async def test_a_time_slot_that_ends_before_it_begins_is_refused_in_words(site, staff):
    await staff.goto(place(site, "hours/time-slots/new"))
    await staff.locator("#startTime").fill("22:00")
    await staff.locator("#endTime").fill("02:00")
    await staff.locator("main form button").first.click()
    fault = staff.locator("#endTime-fault, [data-row] .fault").get_by_text("must be after the start")
    await expect(fault).to_be_visible()


async def test_a_page_is_read_in_another_language(site, staff):
    await staff.goto(place(site, "types"))
    await follow(staff.get_by_role("link", name="Deutsch"))
    await expect(staff.locator("h1")).to_have_text("Terminarten", use_inner_text=True)
    await staff.goto(place(site, "absences"))
    await expect(staff.locator("h1")).to_have_text("Abwesenheiten", use_inner_text=True)


async def test_what_stands_in_a_row_stands_on_one_line(site, staff):
    await staff.goto(place(site, "absences/new"))
    await expect(staff.locator("#at")).to_be_visible()
    tops = [(await staff.locator(f"#{name}").bounding_box())["y"] for name in ("from", "at")]
    assert tops[0] == tops[1]


async def test_times_of_an_absence_are_the_clinics_wherever_one_looks_from(site, browser):
    mine = Practice(site, week={"wednesday": hours("09:00", "12:00")})
    context, page, watched = await browsers.new_page(browser, timezone_id="America/Los_Angeles")
    await sign_in(page, site.url, RECEPTION)
    await page.goto(place(site, f"absences/new?doctor={mine.doctor}"))
    await page.get_by_label("First day").fill(str(coming(2)))
    await page.get_by_label("From").fill("10:00")
    await page.get_by_label("Until").fill("11:00")
    await follow(page.get_by_role("button", name="Check for conflicts"))
    await expect(page.get_by_text("No conflicts.")).to_be_visible()
    await follow(page.get_by_role("button", name="Add absence"))
    await expect(page).to_have_url(place(site, "absences"))
    row = page.get_by_role("row").filter(has_text=mine.name)
    await expect(row).to_contain_text("10:00 – 11:00 AM", use_inner_text=True)
    (absence,) = [
        each
        for each in mine.api.get(f"/api/clinics/{CLINIC}/absences?limit=200").json()["items"]
        if each["doctorId"] == mine.doctor
    ]
    assert (datetime.fromisoformat(absence["startTime"]), datetime.fromisoformat(absence["endTime"])) == tuple(
        datetime.fromisoformat(at(coming(2), hour)) for hour in (10, 11)
    )
    assert watched.complaints == []
    await context.close()


async def test_a_doctor_sees_and_changes_their_own_hours_only(site, page):
    await sign_in(page, site.url, DOCTOR)
    await page.goto(place(site, "hours"))
    await expect(page.locator("table.weeks tbody th")).to_have_text(["Dr. Vikram Iyer"], use_inner_text=True)
    await expect(page.get_by_role("heading", name="Time slots")).to_have_count(0)
    await follow(page.locator("table.weeks").get_by_role("link", name="Dr. Vikram Iyer"))
    await expect(page.get_by_role("button", name="Preview changes")).to_have_count(1)
    others = Practice(site).doctor
    for path in (f"hours/{others}", f"hours/line/{others}", f"hours/changes/{others}", "hours/time-slots/new"):
        assert (await page.goto(place(site, path))).status == 403
    await page.goto(place(site, f"absences/new?doctor={others}&from={coming(0)}"))
    await expect(page.locator("main h2").first).to_contain_text("Dr. Vikram Iyer", use_inner_text=True)


@pytest.mark.parametrize("language", AXE_LANGUAGES)
async def test_nothing_serious_is_wrong_with_any_of_the_pages_in_any_language_nor_on_a_phone(site, browser, language):
    mine = Practice(site, week={"monday": hours("09:00", "12:00")})
    mine.book(coming(0), 11, 40)
    slot = mine.api.get(f"/api/clinics/{CLINIC}/timeslots").json()["items"][0]["id"]
    context, page, watched = await browsers.new_page(browser, language, viewport={"width": 320, "height": 700})
    await page.goto(f"{site.url}/staff/sign-in")
    await page.locator("input[name=email]").fill(MANAGER)
    await page.locator("input[name=password]").fill(browsers.PASSWORD)
    await follow(page.locator("main button"))
    await expect(page).not_to_have_url(re.compile("sign-in"))
    for path in (
        "clinic",
        "doctors",
        "doctors?show=left",
        "doctors/new",
        f"doctors/{mine.doctor}",
        "types",
        "types?show=removed",
        "types/new",
        f"types/{mine.type}",
        "hours",
        f"hours/{mine.doctor}",
        f"hours/line/{mine.doctor}",
        f"hours/changes/{mine.doctor}",
        "hours/changes",
        f"hours/time-slots/{slot}",
        "absences",
        "absences?show=past",
        "absences/rebook",
        "absences/new",
        f"absences/new?doctor={mine.doctor}&from={coming(0)}",
    ):
        assert (await page.goto(place(site, path))).status == 200, path
        assert await faults_of(page) == [], path
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    assert watched.complaints == []
    await context.close()
